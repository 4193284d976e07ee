//! Options from the environment: `UWSGI_HTTP_SOCKET=:8000` is `--http-socket :8000`.

use super::given::{Gathered, Given, Origin};
use super::{foreign, table};

/// Reads the variables that begin with `UWSGI_`. Those that are nobody's option are left alone:
/// images and scripts keep variables of their own under that prefix.
pub(super) fn read(variables: impl IntoIterator<Item = (String, String)>) -> Gathered {
    let mut gathered = Gathered::default();
    for (variable, value) in variables {
        let Some(name) = variable.strip_prefix("UWSGI_") else {
            continue;
        };
        let name = name.to_ascii_lowercase().replace('_', "-");
        if let Some(opt) = table::find(&name) {
            gathered.given.push(Given {
                opt,
                value,
                origin: Origin::Environment,
            });
        } else if foreign::find(&name).is_some() {
            gathered.unsupported.push(name);
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> Gathered {
        read(
            pairs
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        )
    }

    #[test]
    fn a_variable_names_an_option_in_capitals() {
        let gathered = read_pairs(&[("UWSGI_HTTP_SOCKET", ":8000"), ("PATH", "/bin")]);
        assert_eq!(gathered.last("http-socket").unwrap().value, ":8000");
        assert_eq!(gathered.given.len(), 1);
    }

    #[test]
    fn an_option_of_uwsgi_alone_is_noted() {
        assert_eq!(read_pairs(&[("UWSGI_MULES", "2")]).unsupported, ["mules"]);
    }

    #[test]
    fn a_variable_that_is_no_option_is_left_alone() {
        let gathered = read_pairs(&[("UWSGI_VERSION_WANTED", "2")]);
        assert!(gathered.given.is_empty() && gathered.unsupported.is_empty());
    }
}
