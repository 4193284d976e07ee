//! What stands below the options in `--help`.

/// Of the program.
pub(super) const ALL: &str = "\
Exit codes: 0 all well; 1 a required rule was broken (or a known entry is stale);
            2 the bench could not do its work or was interrupted, or bad usage.

Examples:
  gatebench run                                    the main job, reports in reports/latest
  gatebench check --gateway nginx --model fastcgi --scenario cgi/path-info
  gatebench bench --url http://127.0.0.1:8080/ --connections 32 --duration 10s
  gatebench demo                                   see what CGI, FastCGI and uwsgi do, in the browser
  gatebench doctor /etc/nginx/nginx.conf           what is wrong there, and which line to change
  gatebench list scenarios";

/// Of `run`.
pub(super) const RUN: &str = "\
Without any output option all four reports go to reports/latest, transcripts beside them.

Examples:
  gatebench run                                    nginx (else built-in) by cgi, fastcgi, uwsgi
  gatebench run --gateway all --model all          everything the bench knows
  gatebench run --binary nginx=/opt/nginx/sbin/nginx --gateway nginx:stock,nginx:keepalive
  gatebench run --resume                           go on where Ctrl-C ended it";

/// Of `check`.
pub(super) const CHECK: &str = "\
Without any output option all four reports go to reports/latest, transcripts beside them.

Examples:
  gatebench check --scenario cgi/path-info,cgi/query
  gatebench check --gateway nginx --image nginx=nginx:1.25 --compare reports/old.json
  gatebench check --level recommended --junit junit.xml --markdown summary.md
  gatebench check --shard 1/4 --json part1.json    a quarter of it; see gatebench report
  gatebench check --backend-at fastcgi://127.0.0.1:9000 --app-file /srv/probe.php
  gatebench check --backend-at uwsgi:///run/app.sock --app none
  gatebench check --gateway-at http://127.0.0.1:8080/app --recorder fastcgi://127.0.0.1:9001";

/// Of `bench`.
pub(super) const BENCH: &str = "\
Without any output option reports of pairings go to reports/latest, those of a URL nowhere.
With --compare the exit code is 1 where a pairing got slower in comparison with the first one.
Ctrl-C ends it with 2 and writes the rounds that are finished.
Measurements know no scenarios: --scenario, --level, --shard and --resume change nothing here.

Examples:
  gatebench bench --gateway builtin --connections 64 --duration 10s --rounds 5
  gatebench bench --gateway nginx --model fastcgi,http --rate 2000
  gatebench bench --gateway nginx --workload json,upload,mixed --until-steady 2%
  gatebench bench --gateway nginx --model fastcgi,uwsgi --sweep 1..512 --html sweep.html
  gatebench bench --profile peers --markdown peers.md    gateserve beside its peers, each ratio and its target
  gatebench bench --url http://127.0.0.1:8080/ --connections 32 --duration 10s --json load.json
  gatebench bench --url http://unix:/run/app.sock:/ --rate 500";

/// Of `probe`.
pub(super) const PROBE: &str = "\
Examples:
  gatebench probe --language php > /srv/probe.php
  gatebench check --backend-at fastcgi:///run/php/php-fpm.sock --app-file /srv/probe.php
  gatebench probe --language python > probe.py
  gunicorn --bind 127.0.0.1:8001 probe:application
  gatebench check --backend-at http://127.0.0.1:8001";

/// Of `replay`.
pub(super) const REPLAY: &str = "\
The report is Markdown: the rule, the versions, the configuration, the request as a command, what
was expected and what came, and every byte on the wires. Exit code 1 where the rule was broken.

Examples:
  gatebench replay cgi/path-info/decoded-once
  gatebench replay cgi/redirect/local --gateway nginx:stock --model fastcgi --output report.md";

/// Of `report`.
pub(super) const REPORT: &str = "\
Where two files hold the same case, the later one counts. The exit code is that of a run with
these results.

Examples:
  gatebench report reports/latest                  show it once more
  gatebench report part*.json --html report.html   put the parts of a sharded run together
  gatebench report new.json --compare old.json     what got better or worse
  gatebench report new.json --only-one             what exactly one subject breaks
  gatebench report new.json --public --html page.html";

/// Of `list`.
pub(super) const LIST: &str = "\
Examples:
  gatebench list scenarios                         id, level, what must hold
  gatebench list requirements                      every rule, and the scenarios that cover it
  gatebench list gateways --format json";

/// Of `images`.
pub(super) const IMAGES: &str = "\
Each is pulled, or built from Debian packages where it cannot be (root and debootstrap needed).

Examples:
  gatebench images
  gatebench images nginx";

/// Of `demo`.
pub(super) const DEMO: &str = "\
Real gateways, servers and processes on this machine, started for the page and ended with it. In the
page: one request step by step and byte by byte; lanes side by side under the same load; what breaks,
and which option mends it; a guided lesson through all of it. English and Chinese.

Examples:
  gatebench demo                            then open http://127.0.0.1:7878/
  gatebench demo --listen 127.0.0.1:0       on a free port
  gatebench demo --terminal                 the same as text";
