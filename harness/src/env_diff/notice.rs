//! What an application would notice of a variable that differs.

use super::Environ;

/// In one sentence; `None` where applications seldom look.
pub(super) fn notice(
    name: &str,
    a: Option<&str>,
    b: Option<&str>,
    sides: (&Environ, &Environ),
) -> Option<String> {
    let who = |is_a: bool| if is_a { "A" } else { "B" };
    let one_lacks = a.is_none_or(str::is_empty) != b.is_none_or(str::is_empty);
    let lacking = who(a.is_none_or(str::is_empty));
    let told = match name {
        "PATH_INFO" | "SCRIPT_NAME" if whole(sides.0) == whole(sides.1) => "The same path is cut at another place: links that are made of SCRIPT_NAME, and routes that are made of PATH_INFO, differ.".to_owned(),
        "PATH_INFO" if one_lacks => format!("With {lacking} the application does not see the path: everything is routed as / (or by SCRIPT_NAME or REQUEST_URI)."),
        "PATH_INFO" if decodes_to(a, b) => "B is decoded, A is not: paths with spaces, umlauts or %2F are routed differently.".to_owned(),
        "PATH_INFO" if decodes_to(b, a) => "A is decoded, B is not: paths with spaces, umlauts or %2F are routed differently.".to_owned(),
        "PATH_INFO" => "The application routes another path.".to_owned(),
        "SCRIPT_NAME" => "Links and redirects of the application begin differently.".to_owned(),
        "CONTENT_LENGTH" if one_lacks || a != b => match (a, b) {
            (Some(""), _) | (_, Some("")) => "Empty on one side: int('') raises where it is not looked at first; absent and 0 do not.".to_owned(),
            _ => "An application that reads so many octets reads another body.".to_owned(),
        },
        "REQUEST_URI" => "Front controllers (PHP, Perl) route by it.".to_owned(),
        "QUERY_STRING" => "The parameters of the query differ; absent it raises where it is taken for granted.".to_owned(),
        "REQUEST_METHOD" => "The application does something else.".to_owned(),
        "HTTP_HOST" | "SERVER_NAME" | "SERVER_PORT" => "Absolute links, redirects, and checks of the host (ALLOWED_HOSTS) differ.".to_owned(),
        "HTTPS" | "REQUEST_SCHEME" | "wsgi.url_scheme" | "UWSGI_SCHEME" => "Links are http or https, cookies Secure or not.".to_owned(),
        "REMOTE_ADDR" => "The client's address, for limits, logs and access rules.".to_owned(),
        "REMOTE_USER" | "AUTH_TYPE" | "HTTP_AUTHORIZATION" => format!("With {lacking} nobody is logged in."),
        "HTTP_TRANSFER_ENCODING" => "An application that believes it reads the body as chunked once more, or not at all.".to_owned(),
        "SCRIPT_FILENAME" | "PATH_TRANSLATED" if one_lacks => format!("With {lacking} php-fpm and fcgiwrap find no script."),
        "HTTP_PROXY" => "Libraries take it for the proxy of the application's own requests.".to_owned(),
        "(body, octets)" => "One of them gets another body: uploads are cut or empty.".to_owned(),
        // Ours alone: the request says that the connection ends.
        "HTTP_CONNECTION" => return None,
        "CONTENT_TYPE" if one_lacks || a.is_none_or(str::is_empty) => return None,
        "CONTENT_TYPE" => "The body is parsed differently.".to_owned(),
        field if field.starts_with("HTTP_") && one_lacks => format!("The client's field does not arrive with {lacking}."),
        field if field.starts_with("HTTP_") => "The client's field arrives changed.".to_owned(),
        _ => return None,
    };
    Some(told)
}

/// Whether the first is the second one, percent-decoded.
fn decodes_to(raw: Option<&str>, decoded: Option<&str>) -> bool {
    let (Some(raw), Some(decoded)) = (raw, decoded) else {
        return false;
    };
    let octets: Vec<u8> = decoded.chars().map(|c| c as u8).collect();
    raw != decoded && wire::http::percent_decode(raw.as_bytes()) == octets
}

fn whole(side: &Environ) -> String {
    let of = |name: &str| {
        let found = side.variables.iter().rev().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    };
    format!("{}{}", of("SCRIPT_NAME"), of("PATH_INFO"))
}
