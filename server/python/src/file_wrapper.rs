//! `wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling").

use std::fs::File;
use std::os::unix::fs::FileExt;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use crate::descriptor;
use crate::head::type_name;

/// An iterable over the blocks of a file-like object. Where an application returns it as it is and
/// the file is an ordinary one, the server sends the file itself (WSGI-FW-NON-NATIVE).
#[pyclass(frozen, module = "gateserve")]
pub(crate) struct FileWrapper {
    filelike: Py<PyAny>,
    block_size: isize,
}

/// Part of an ordinary file.
pub(crate) struct Part {
    pub(crate) file: File,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Types whose `fileno()` is known to be the data that `read()` gives (WSGI-FW-FILENO-LIE).
pub(crate) struct FileTypes {
    raw: Py<PyType>,
    buffered: [Py<PyType>; 2],
}

impl FileTypes {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let io = py.import("io")?;
        let of_io = |name| io.getattr(name)?.cast_into::<PyType>().map_err(PyErr::from);
        Ok(Self {
            raw: of_io("FileIO")?.unbind(),
            buffered: [
                of_io("BufferedReader")?.unbind(),
                of_io("BufferedRandom")?.unbind(),
            ],
        })
    }

    /// Whether reading this object is reading its descriptor.
    fn is_plain(&self, file: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = file.py();
        let kind = file.get_type();
        if kind.is(&self.raw) {
            return Ok(true);
        }
        if self.buffered.iter().any(|buffered| kind.is(buffered)) {
            let raw = file.getattr("raw")?;
            return Ok(raw.get_type().is(self.raw.bind(py)));
        }
        Ok(false)
    }
}

impl FileWrapper {
    /// The file to send, from its current position to its end (WSGI-FW-POSITION); `None` where
    /// only reading gives the right bytes.
    pub(crate) fn plain_file(&self, py: Python<'_>, types: &FileTypes) -> PyResult<Option<Part>> {
        let mut file = self.filelike.bind(py).clone();
        if is_temporary(&file.get_type())? {
            file = file.getattr("file")?;
        }
        if !types.is_plain(&file)? {
            return Ok(None);
        }
        if file.call_method0("writable")?.is_truthy()? {
            // What was written may still be in Python's buffer.
            file.call_method0("flush")?;
        }
        let number: i32 = file.call_method0("fileno")?.extract()?;
        let Ok(copy) = descriptor::duplicate(number) else {
            return Ok(None);
        };
        let copy = File::from(copy);
        // A pipe has neither size nor position.
        let Ok(metadata) = copy.metadata() else {
            return Ok(None);
        };
        if !metadata.is_file() || !file.call_method0("readable")?.is_truthy()? {
            return Ok(None);
        }
        let offset: u64 = file.call_method0("tell")?.extract()?;
        let length = metadata.len().saturating_sub(offset);
        // Files of the kernel, such as those of /proc, have no size and yet something to read.
        if length == 0 && copy.read_at(&mut [0], offset).is_ok_and(|read| read > 0) {
            return Ok(None);
        }
        Ok(Some(Part {
            file: copy,
            offset,
            length,
        }))
    }
}

/// What `tempfile.NamedTemporaryFile` gives, which passes everything on to the file inside.
fn is_temporary(kind: &Bound<'_, PyType>) -> PyResult<bool> {
    Ok(kind.name()? == "_TemporaryFileWrapper" && kind.module()? == "tempfile")
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, block_size = 8192, /))]
    fn new(filelike: Py<PyAny>, block_size: isize) -> Self {
        Self {
            filelike,
            block_size,
        }
    }

    #[getter]
    fn filelike(&self, py: Python<'_>) -> Py<PyAny> {
        self.filelike.clone_ref(py)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let block = self
            .filelike
            .bind(py)
            .call_method1("read", (self.block_size,))?;
        match block.cast_into::<PyBytes>() {
            Ok(block) => Ok((!block.as_bytes().is_empty()).then_some(block)),
            Err(error) => {
                let name = type_name(&error.into_inner());
                Err(PyTypeError::new_err(format!(
                    "wsgi.file_wrapper needs a file that gives bytes, not {name}: open it in \
                     binary mode"
                )))
            }
        }
    }

    /// WSGI-FW-CLOSE
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.filelike.bind(py).getattr_opt("close")? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }

    fn seekable(&self, py: Python<'_>) -> PyResult<bool> {
        let file = self.filelike.bind(py);
        match file.getattr_opt("seekable")? {
            Some(seekable) => seekable.call0()?.is_truthy(),
            None => file.hasattr("seek"),
        }
    }

    #[pyo3(signature = (*args))]
    fn seek<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, pyo3::types::PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.filelike.bind(py).getattr("seek")?.call1(args)
    }

    fn tell<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.filelike.bind(py).call_method0("tell")
    }
}
