//! What a script gets of its request.

use super::*;

#[tokio::test]
async fn a_script_sees_its_request_and_nothing_of_the_server() {
    let mut site = Site::with(&[("env", &plain("/usr/bin/env | sort"))]);
    site.settings.env = vec![("EXTRA".into(), "1".into())];
    let text = site
        .text(get("/cgi/env/info").with("HTTP_PROXY", "evil"))
        .await;
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    let expected = [
        "EXTRA",
        "GATEWAY_INTERFACE",
        "PATH",
        "PATH_INFO",
        "PATH_TRANSLATED",
        "PWD",
        "QUERY_STRING",
        "REQUEST_METHOD",
        "SCRIPT_FILENAME",
        "SCRIPT_NAME",
        "SERVER_PROTOCOL",
        "SERVER_SOFTWARE",
    ];
    // `_`, `PWD` and the like are the shell's own.
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !["_", "SHLVL", "OLDPWD"].contains(name))
        .collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_script_runs_in_its_own_folder_with_search_words() {
    let site = Site::with(&[("where", &plain("pwd; echo \"$0 $# $1 $2\""))]);
    let text = site
        .text(get("/cgi/where").with("QUERY_STRING", "one+t%77o"))
        .await;
    let (folder, script) = (site.path(""), site.path("where"));
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    assert_eq!(text, format!("{folder}\n{} 2 one two\n", script.display()));
}

#[tokio::test]
async fn the_body_goes_in_and_comes_out_at_the_same_time() {
    let site = Site::with(&[("cat", &plain("exec cat"))]);
    let bytes: Bytes = (0..3_000_000).map(|at| (at % 251) as u8).collect();
    let (_, recording) = site
        .ask(get("/cgi/cat").body(Body::from_bytes(bytes.clone())))
        .await;
    assert!(recording.body() == bytes, "the echo differs");
}

#[tokio::test]
async fn a_body_of_unknown_length_gets_its_content_length() {
    let site = Site::with(&[("length", &plain("echo \"$CONTENT_LENGTH\"; exec cat"))]);
    let body = Body::incoming(
        None,
        Box::new(Pieces(vec!["hello ".into(), "world".into()])),
    );
    assert_eq!(
        site.text(get("/cgi/length").body(body)).await,
        "11\nhello world"
    );
}

#[tokio::test]
async fn a_body_need_not_be_read() {
    let site = Site::with(&[("deaf", &plain("echo done"))]);
    let body = Body::from_bytes(vec![0; 1_000_000].into());
    assert_eq!(site.text(get("/cgi/deaf").body(body)).await, "done\n");
}

#[tokio::test]
async fn a_gateway_may_name_the_file() {
    let site = Site::with(&[("run", &plain("echo \"$SCRIPT_NAME $PATH_INFO $0\""))]);
    let mount = CgiMount {
        prefix: String::new(),
        path: site.folder.path().into(),
    };
    let router = Router::new(mounts(&[mount], &site.settings).unwrap());
    let file: Bytes = site.path("run").to_str().unwrap().to_owned().into();
    let proxied: Bytes =
        format!("proxy:fcgi://127.0.0.1:9000{}", site.path("run").display()).into();
    for name in [file, proxied] {
        let mut ask = get("/info")
            .with("SCRIPT_NAME", "/any/name")
            .over(Protocol::FastCgi);
        ask.environ.push("SCRIPT_FILENAME", name);
        let (mut reply, recording) = Reply::recorded();
        let request = Request {
            environ: ask.environ,
            body: ask.body,
            protocol: ask.protocol,
            http: None,
        };
        router.serve(request, &mut reply).await.unwrap();
        let body = String::from_utf8(recording.body()).unwrap();
        assert_eq!(
            body,
            format!("/any/name /info {}\n", site.path("run").display())
        );
    }
}

#[tokio::test]
async fn a_named_file_outside_is_refused_and_a_missing_one_does_not_count() {
    let site = Site::with(&[("run", &plain("echo hi"))]);
    let named = |path, file| {
        get(path)
            .with("SCRIPT_FILENAME", file)
            .over(Protocol::FastCgi)
    };
    assert_eq!(site.error(named("/cgi/none", "/bin/sh")).await.0, 403);
    assert_eq!(site.error(named("/cgi/none", "/nonexistent")).await.0, 404);
    assert_eq!(site.text(named("/cgi/run", "/nonexistent")).await, "hi\n");
    assert_eq!(
        site.error(named("/cgi/none", "/bin/sh").over(Protocol::Http))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_helper_runs_files_that_are_not_programs() {
    let mut site = Site::with(&[]);
    fs::write(site.path("a.txt"), plain("echo \"$0 $1\"")).unwrap();
    site.settings.helpers = vec![(".txt".into(), "sh".into())];
    let text = site
        .text(get("/cgi/a.txt").with("QUERY_STRING", "word"))
        .await;
    assert_eq!(text, format!("{} word\n", site.path("a.txt").display()));
}

#[tokio::test]
async fn a_folder_is_not_a_named_file() {
    let site = Site::with(&[("run", &plain("echo hi"))]);
    // As nginx sends it with its root above the mount.
    let root: &'static str = site
        .path("")
        .to_str()
        .unwrap()
        .trim_end_matches('/')
        .to_owned()
        .leak();
    let ask = |path| {
        get(path)
            .with("SCRIPT_FILENAME", root)
            .over(Protocol::FastCgi)
    };
    assert_eq!(site.text(ask("/cgi/run")).await, "hi\n");
    assert_eq!(site.error(ask("/cgi/none")).await.0, 404);
}
