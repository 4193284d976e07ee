//! What nginx's variables are for a request that a location gets.

use regex::{Captures, Regex};

use super::location::Location;

/// A request that fits a location, and what its variables are.
pub(super) struct Sample<'a> {
    location: &'a Location<'a>,
    /// Path and query as the client sends them.
    pub(super) target: String,
    path: String,
    query: String,
    captured: Vec<(String, String)>,
}

/// Paths that are tried on a location whose pattern is a regular expression.
const USUAL: [&str; 8] = [
    "/index.php",
    "/",
    "/index.php/doctor",
    "/cgi-bin/doctor",
    "/app/",
    "/doctor.cgi",
    "/doctor.py",
    "/api/",
];

impl<'a> Sample<'a> {
    /// The first of the paths that the location takes; none where nobody knows one.
    pub(super) fn of(location: &'a Location<'a>, paths: &[String]) -> Option<Self> {
        let (sign, pattern) = (location.pattern.0.as_str(), location.pattern.1.as_str());
        let mut named: Vec<String> = paths.to_vec();
        let regular = match sign {
            "~" => Some(Regex::new(pattern)),
            "~*" => Some(Regex::new(&format!("(?i){pattern}"))),
            _ => None,
        };
        let Some(regular) = regular else {
            let fits = |path: &String| match (sign, pattern) {
                ("=", exact) => path.split('?').next() == Some(exact),
                (_, prefix) => path.starts_with(prefix),
            };
            named.push(match pattern {
                "" => "/".to_owned(),
                // A named location is reached from others only.
                name if name.starts_with('@') => "/".to_owned(),
                path => path.to_owned(),
            });
            let target = named
                .into_iter()
                .find(|path| fits(path) || pattern.starts_with('@'))?;
            return Some(Self::new(location, target, Vec::new()));
        };
        let regular = regular.ok()?;
        // What the pattern begins with literally is a path as well.
        let groups = Regex::new(r"\(\?(P?<\w+>|:)|[(^]|\\").expect("it is tested");
        let bare = groups.replace_all(pattern, "");
        let is_plain = |c: &char| c.is_alphanumeric() || "/-_.".contains(*c);
        let literal: String = bare.chars().take_while(is_plain).collect();
        named.extend(USUAL.map(str::to_owned));
        if literal.starts_with('/') {
            named.extend([literal.clone(), format!("{literal}/doctor")]);
        }
        named.into_iter().find_map(|target| {
            let path = target.split('?').next().unwrap_or_default().to_owned();
            let found = regular.captures(&path)?;
            Some(Self::new(
                location,
                target.clone(),
                captured(&regular, &found),
            ))
        })
    }

    fn new(location: &'a Location<'a>, target: String, captured: Vec<(String, String)>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let decoded = wire::http::percent_decode(path.as_bytes());
        Self {
            location,
            path: String::from_utf8_lossy(&decoded).into_owned(),
            query: query.to_owned(),
            target: target.clone(),
            captured,
        }
    }

    /// The variables of the CGI family in the order of the configuration, fields of the client behind.
    pub(super) fn params(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for param in self.location.params() {
            let [name, value, rest @ ..] = param.args.as_slice() else {
                continue;
            };
            let value = self.fill(value);
            if value.is_empty() && rest.first().is_some_and(|it| it == "if_not_empty") {
                continue;
            }
            all.push((name.clone(), value));
        }
        let passed = self.location.own("pass_request_headers");
        if passed.is_none_or(|it| it.arg() != "off") {
            let fields = [
                ("HTTP_HOST", self.variable("http_host").unwrap_or_default()),
                ("HTTP_USER_AGENT", "gatebench-doctor".to_owned()),
            ];
            for (name, value) in fields {
                if !all.iter().any(|(known, _)| known == name) {
                    all.push((name.to_owned(), value));
                }
            }
        }
        // An empty HTTP_ variable hides the field and is sent empty; nginx sends the others empty as well.
        all
    }

    /// A value with its variables filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let (name, after) = match rest.strip_prefix('{') {
                Some(inner) => inner.split_once('}').unwrap_or((inner, "")),
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()))
                }
            };
            filled.push_str(&self.variable(name).unwrap_or_default());
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// The folder of `root`, or of `alias` as `$document_root` has it.
    pub(super) fn root(&self) -> String {
        let (alias, root) = (
            self.location.setting("alias"),
            self.location.setting("root"),
        );
        let told = alias.or(root).map_or("html", |one| one.arg());
        match told.contains('$') {
            true => self.fill(told),
            false => told.trim_end_matches('/').to_owned(),
        }
    }

    /// Script name and path info, as `fastcgi_split_path_info` cuts them.
    pub(super) fn split(&self) -> (String, String) {
        let index = self.location.own("index").map_or("", |it| it.arg());
        let path = match self.path.ends_with('/') {
            true => format!("{}{index}", self.path),
            false => self.path.clone(),
        };
        let pattern = self.location.own("split_path_info").map(|it| it.arg());
        let regular = pattern.and_then(|it| Regex::new(it).ok());
        let found = regular.as_ref().and_then(|it| it.captures(&path));
        let group =
            |found: &Captures<'_>, nth| found.get(nth).map_or("", |it| it.as_str()).to_owned();
        match &found {
            Some(found) => (group(found, 1), group(found, 2)),
            None => (path, String::new()),
        }
    }

    /// A variable's value; `None` where it is not known.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.captured.iter().find(|(known, _)| known == name) {
            return Some(value.clone());
        }
        let sets = self
            .location
            .levels
            .iter()
            .rev()
            .flat_map(|level| level.all("set"));
        let mut sets = sets.filter(|one| one.arg().strip_prefix('$') == Some(name));
        if let Some(set) = sets.next() {
            let value = set.args.get(1)?;
            // A variable that is made of itself has no end.
            return match value.contains(&format!("${name}")) {
                true => None,
                false => Some(self.fill(value)),
            };
        }
        let setting = |name: &str| self.location.setting(name).map_or("", |one| one.arg());
        let server = match setting("server_name") {
            "" | "_" => "localhost",
            name => name.trim_start_matches("*."),
        };
        let port = setting("listen")
            .rsplit([':', ']'])
            .next()
            .unwrap_or_default();
        let port = if port.bytes().all(|it| it.is_ascii_digit()) && !port.is_empty() {
            port
        } else {
            "80"
        };
        let (script, info) = self.split();
        Some(match name {
            "document_root" | "realpath_root" => self.root(),
            "fastcgi_script_name" => script,
            "fastcgi_path_info" => info,
            "uri" | "document_uri" => self.path.clone(),
            "request_uri" => self.target.clone(),
            "request_filename" => format!("{}{}", self.root(), self.path),
            "query_string" | "args" => self.query.clone(),
            "is_args" if !self.query.is_empty() => "?".to_owned(),
            "request_method" => "GET".to_owned(),
            "server_protocol" => "HTTP/1.1".to_owned(),
            "scheme" => "http".to_owned(),
            "remote_addr" | "server_addr" | "proxy_add_x_forwarded_for" => "127.0.0.1".to_owned(),
            "remote_port" => "40000".to_owned(),
            "server_port" => port.to_owned(),
            "server_name" => setting("server_name").to_owned(),
            "host" | "hostname" => server.to_owned(),
            "http_host" if port == "80" => server.to_owned(),
            "http_host" => format!("{server}:{port}"),
            "nginx_version" => "1".to_owned(),
            "http_user_agent" => "gatebench-doctor".to_owned(),
            "https" | "is_args" | "content_type" | "content_length" | "remote_user" => {
                String::new()
            }
            name if name.starts_with("http_") || name.starts_with("arg_") => String::new(),
            _ => return None,
        })
    }
}

fn captured(regular: &Regex, found: &Captures<'_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (nth, name) in regular.capture_names().enumerate() {
        let value = found.get(nth).map_or("", |it| it.as_str()).to_owned();
        all.push((nth.to_string(), value.clone()));
        all.extend(name.map(|name| (name.to_owned(), value)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::{location, syntax};
    use super::*;

    #[track_caller]
    fn params(inner: &str, path: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        let text = format!(
            "http {{ server {{ listen 8080; server_name shop; root /srv/www; {inner} }} }}"
        );
        std::fs::write(&file, text).unwrap();
        let block = syntax::read(&file).unwrap();
        let locations = location::all(&block);
        let sample = Sample::of(&locations[0], &[path.to_owned()]).unwrap();
        sample.params()
    }

    fn of(params: &[(String, String)], name: &str) -> String {
        let found = params.iter().find(|(known, _)| known == name);
        found.map_or_else(|| "(none)".to_owned(), |(_, value)| value.clone())
    }

    #[test]
    fn a_script_and_what_follows_it_are_cut_as_the_configuration_says() {
        let params = params(
            r"location ~ [^/]\.php(/|$) {
                fastcgi_split_path_info ^(.+?\.php)(/.*)$;
                fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
                fastcgi_param PATH_INFO $fastcgi_path_info;
                fastcgi_param HTTPS $https if_not_empty;
                fastcgi_param QUERY_STRING $query_string;
                fastcgi_pass unix:/run/php.sock; }",
            "/a%20b.php/c?d=e",
        );
        assert_eq!(of(&params, "SCRIPT_FILENAME"), "/srv/www/a b.php");
        assert_eq!(of(&params, "PATH_INFO"), "/c");
        assert_eq!(of(&params, "QUERY_STRING"), "d=e");
        assert_eq!(of(&params, "HTTPS"), "(none)");
        assert_eq!(of(&params, "HTTP_HOST"), "shop:8080");
    }

    #[test]
    fn captures_and_set_variables_are_filled_in() {
        let params = params(
            r"location ~ ^(?<script>/app)(/.*)$ {
                set $info ${2}x; set $loop a$loop;
                uwsgi_param SCRIPT_NAME $script; uwsgi_param PATH_INFO $info; uwsgi_param LOOP $loop;
                uwsgi_pass unix:///run/app.sock; }",
            "/app/cart",
        );
        assert_eq!(of(&params, "SCRIPT_NAME"), "/app");
        assert_eq!(of(&params, "PATH_INFO"), "/cartx");
        assert_eq!(of(&params, "LOOP"), "");
    }

    #[test]
    fn a_pattern_tells_a_path_by_what_it_begins_with() {
        let all = params(
            r"location ~ ^(?<script>/f)(?<rest>/.*)?$ { fastcgi_param X $uri$rest; fastcgi_pass 127.0.0.1:1; }",
            "/other",
        );
        assert_eq!(of(&all, "X"), "/f");
    }

    #[test]
    fn a_prefix_is_its_own_sample() {
        let params = params(
            "location /shop/ { scgi_param X $uri; scgi_pass 127.0.0.1:4000; }",
            "/other",
        );
        assert_eq!(of(&params, "X"), "/shop/");
    }
}
