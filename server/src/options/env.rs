//! Options from the environment: `UWSGI_HTTP_SOCKET=:8000` is `--http-socket :8000`.

use std::collections::BTreeMap;

use super::groups::web_servers;

/// Variables under the prefix that uWSGI keeps for itself.
const OWN: [&str; 8] = [
    "RELOADS",
    "VASSALS_DIR",
    "EMPEROR_FD",
    "BROODLORD_NUM",
    "EMPEROR_FD_CONFIG",
    "EMPEROR_PROXY",
    "JAIL_PID",
    "ORIGINAL_PROC_NAME",
];

/// The variables that begin with `UWSGI_`, as names of options with their values, and the one that
/// FastCGI has.
pub(super) fn options(variables: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let option = |(variable, value): (&String, &String)| {
        let name = variable
            .strip_prefix("UWSGI_")
            .filter(|name| !OWN.contains(name))?;
        Some((name.to_ascii_lowercase().replace('_', "-"), value.clone()))
    };
    let servers = variables.get(web_servers::VARIABLE);
    let servers = servers.map(|value| ("fastcgi-web-servers".to_owned(), value.clone()));
    variables.iter().filter_map(option).chain(servers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        options(&pairs.collect())
    }

    #[test]
    fn a_variable_names_an_option_in_capitals() {
        assert_eq!(
            options_of(&[("UWSGI_HTTP_SOCKET", ":8000"), ("PATH", "/bin")]),
            [("http-socket".to_owned(), ":8000".to_owned())]
        );
    }

    #[test]
    fn variables_of_uwsgi_itself_are_no_options() {
        assert!(options_of(&[("UWSGI_RELOADS", "1"), ("UWSGI_JAIL_PID", "7")]).is_empty());
    }
}
