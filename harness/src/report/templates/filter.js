// Shows the rows of the matrix that hold the searched text and one of the ticked marks.
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("tr.row")].map((row) => ({
    row,
    text: row.querySelector("th").textContent.toLowerCase() +
      row.parentElement.querySelector("tr.topic th").textContent.toLowerCase(),
    marks: row.dataset.marks.split(" "),
  }));
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/);
    const ticked = [...form.querySelectorAll("[name=mark]:checked")].map((box) => box.value);
    let shown = 0;
    for (const { row, text, marks } of rows) {
      const fits = words.every((word) => text.includes(word)) &&
        (!ticked.length || ticked.some((mark) => marks.includes(mark)));
      row.hidden = !fits;
      shown += fits;
    }
    for (const body of document.querySelectorAll(".matrix tbody")) {
      body.hidden = !body.querySelector("tr.row:not([hidden])");
    }
    form.elements.shown.value = `${shown} of ${rows.length} scenarios`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();

  // A mark of the matrix leads to bytes that are folded away: unfold them. Paper cannot unfold.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", unfold);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  unfold();
})();
