//! Scripts and clients that break off, and scripts that cannot start.

use super::*;

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_script() {
    let site = Site::with(&[("wait", "cat > /dev/null; sleep 3600")]);
    let body = Body::incoming(Some(9), Box::new(Pieces(vec![])));
    let (status, log) = site.error(get("/cgi/wait").body(body)).await;
    assert_eq!((status, log), (400, BodyError::ClientGone.to_string()));
}

#[tokio::test]
async fn a_crash_after_the_head_is_not_taken_for_the_end() {
    let site = Site::with(&[("crash", &plain("echo part; kill -9 $$"))]);
    let (served, recording) = site.ask(get("/cgi/crash")).await;
    assert_eq!(
        served.unwrap_err().log,
        "CGI program crash was killed by SIGKILL"
    );
    assert_eq!(recording.body(), b"part\n");
}

#[tokio::test]
async fn no_head_is_the_scripts_fault() {
    let site = Site::with(&[
        ("empty", "exit 1"),
        ("plain", "echo Hello"),
        ("blank", "echo; echo Hello"),
        ("bad", "echo 'Status: abc'; echo"),
    ]);
    for (path, log) in [
        (
            "/cgi/empty",
            "CGI program empty gave no response head (exit status 1): ''",
        ),
        (
            "/cgi/plain",
            "CGI program plain gave no response head (exit status 0): 'Hello\\n'",
        ),
        (
            "/cgi/blank",
            "CGI program blank: application sent no header field before the blank line",
        ),
    ] {
        assert_eq!(site.error(get(path)).await, (502, log.into()));
    }
    assert_eq!(site.error(get("/cgi/bad")).await.0, 502);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let site = Site::with(&[]);
    write_program(&site.path("lost"), "#!/nonexistent/interpreter\n");
    write_program(&site.path("bare"), "echo no interpreter named\n");
    for (path, status, log) in [
        ("/cgi/none", 404, "no CGI program at ROOT/none"),
        (
            "/cgi/lost",
            500,
            "cannot start CGI program ROOT/lost: its interpreter does not exist",
        ),
        (
            "/cgi/bare",
            500,
            "cannot start CGI program ROOT/bare: it is neither a program nor starts with #!",
        ),
    ] {
        assert_eq!(site.error(get(path)).await, (status, log.into()));
    }
}

#[tokio::test]
async fn a_silent_script_is_given_up() {
    let mut site = Site::with(&[("silent", "sleep 3600")]);
    site.settings.timeout = Duration::from_millis(20);
    assert_eq!(site.error(get("/cgi/silent")).await.0, 504);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_script_along() {
    let site = Site::with(&[("wait", "echo $$ > pid; sleep 3600 & wait")]);
    let (mut reply, recording) = Reply::recorded();
    let ask = get("/cgi/wait").over(Protocol::Scgi);
    let request = Request {
        environ: ask.environ,
        body: ask.body,
        protocol: ask.protocol,
        http: None,
    };
    let pid = site.path("pid");
    let hang_up = async {
        while fs::read_to_string(&pid).unwrap_or_default().is_empty() {
            tokio::task::yield_now().await;
        }
        recording.hang_up();
    };
    let router = site.router();
    let (served, ()) = tokio::join!(router.serve(request, &mut reply), hang_up);
    assert!(served.is_err());
    let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    while nix::sys::signal::kill(nix::unistd::Pid::from_raw(-pid), None).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_mount_or_helper_that_does_not_exist_is_a_clear_error() {
    let at = |path: &str| {
        [CgiMount {
            prefix: String::new(),
            path: path.into(),
        }]
    };
    let error =
        |at: &[CgiMount], settings: &CgiSettings| mounts(at, settings).err().unwrap().to_string();
    let settings = CgiSettings::default();
    let text = error(&at("/nonexistent/dir"), &settings);
    assert_eq!(
        text,
        "cgi /nonexistent/dir: No such file or directory (os error 2)"
    );
    let helpers = vec![(".x".into(), "no-such-program".into())];
    let settings = CgiSettings {
        helpers,
        ..CgiSettings::default()
    };
    let text = error(&at("/"), &settings);
    assert_eq!(text, "cgi-helper no-such-program: no such program on PATH");
}
