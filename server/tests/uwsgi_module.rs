//! The `uwsgi` module, as applications see it.

mod support;

use nix::sys::signal::Signal;
use support::Responses;
use support::python::{HTTP, Site, get};

fn text(response: &support::Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

#[test]
fn it_tells_version_options_and_sizes_with_uwsgis_types() {
    needs_python!();
    let site = Site::by_path(
        "
import uwsgi
loaded = uwsgi.opt['processes'], uwsgi.worker_id()
def seen(environ, start_response):
    return plain(start_response, [
        uwsgi.version[:4], uwsgi.version_info[:2], uwsgi.numproc, uwsgi.cores,
        uwsgi.opt['enable-threads'], uwsgi.opt['workers'], uwsgi.opt['env'], loaded,
        uwsgi.opt.get('nothing')])
",
    );
    let options = [
        "--processes",
        "2",
        "--enable-threads",
        "--env",
        "A=1",
        "--env",
        "B=2",
    ];
    let server = site.serve(&[&HTTP[..], &options].concat());
    assert_eq!(
        text(&get(&server, "/seen")),
        "[b'2.0.', (2, 0), 2, 1, True, b'2', [b'A=1', b'B=2'], (b'2', 0), None]"
    );
}

#[test]
fn it_tells_master_and_workers() {
    needs_python!();
    let site = Site::by_path(
        "
import os, uwsgi
def seen(environ, start_response):
    me = uwsgi.workers()[uwsgi.worker_id() - 1]
    return plain(start_response, [
        uwsgi.masterpid() == os.getppid(), me['pid'] == os.getpid(), me['id'] == uwsgi.worker_id(),
        me['status'], me['requests'], uwsgi.request_id(), uwsgi.total_requests(),
        uwsgi.mem()[0] > 1000000, len(uwsgi.workers())])
",
    );
    let server = site.serve(&[&HTTP[..], &["--processes", "2"]].concat());
    let mut responses = Responses::on(server.connect());
    for requests in 0..2 {
        let line = "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n";
        responses.peer.send(line);
        assert_eq!(
            text(&responses.next("GET")),
            format!("[True, True, True, b'busy', {requests}, {requests}, {requests}, True, 2]")
        );
    }
}

#[test]
fn what_is_not_there_says_what_to_use_instead() {
    needs_python!();
    let site = Site::by_path(
        "
import uwsgi
def said(environ, start_response):
    said = []
    for call in [lambda: uwsgi.cache_get('a'), lambda: uwsgi.add_timer(1, 2),
                 lambda: uwsgi.websocket_handshake(), lambda: uwsgi.spool({}),
                 lambda: uwsgi.no_such_thing, lambda: uwsgi.atexit]:
        try:
            call()
        except Exception as error:
            said.append('%s: %s' % (type(error).__name__, error))
    try:
        import uwsgidecorators
        uwsgidecorators.timer(3)(print)
    except NotImplementedError as error:
        said.append(str(error))
    return plain(start_response, '\\n'.join(said))
",
    );
    let server = site.serve(&HTTP);
    let said = text(&get(&server, "/said"));
    for line in [
        "NotImplementedError: gateserve has no uwsgi.cache_get(): use a cache server",
        "NotImplementedError: gateserve has no uwsgi.add_timer(): use a system timer",
        "NotImplementedError: gateserve has no uwsgi.websocket_handshake(): serve websockets",
        "NotImplementedError: gateserve has no uwsgi.spool(): use a task queue",
        "AttributeError: gateserve's uwsgi module has no 'no_such_thing'",
        "AttributeError: gateserve's uwsgi module has no 'atexit'",
        "gateserve has no @timer: use a system timer",
    ] {
        assert!(said.contains(line), "no {line:?} in\n{said}");
    }
}

#[test]
fn postfork_runs_in_each_worker_and_atexit_at_its_end() {
    needs_python!();
    let site = Site::by_path(
        "
import atexit, os, uwsgi, uwsgidecorators
@uwsgidecorators.postfork
def forked():
    uwsgi.log('forked worker %d of %d' % (uwsgi.worker_id(), os.getppid()))
@uwsgidecorators.postfork(2)
def second():
    uwsgi.log('second is %d' % uwsgi.worker_id())
def left():
    uwsgi.log('left worker %d' % uwsgi.worker_id())
uwsgi.atexit = left
atexit.register(lambda: uwsgi.log('exited %d' % uwsgi.worker_id()))
",
    );
    for lazy in [&[][..], &["--lazy-apps"]] {
        let options = [&HTTP[..], &["--processes", "2"], lazy].concat();
        let mut server = site.serve(&options);
        let master = server.pid();
        let log = server.told();
        for line in [
            format!("forked worker 1 of {master}"),
            format!("forked worker 2 of {master}"),
            "second is 2".to_owned(),
        ] {
            assert!(log.contains(&line), "no {line:?} in\n{log}");
        }
        server.signal(Signal::SIGTERM);
        server.line("goodbye to gateserve.");
        let log = server.told();
        for line in ["left worker 1", "left worker 2", "exited 1", "exited 2"] {
            assert_eq!(log.matches(line).count(), 1, "{line:?} in\n{log}");
        }
    }
}

#[test]
fn one_process_at_a_time_has_the_lock() {
    needs_python!();
    let site = Site::by_path(
        "
import os, uwsgi, uwsgidecorators
reading, writing = os.pipe()
def hold(environ, start_response):
    uwsgi.lock()
    uwsgi.log('holding')
    os.read(reading, 1)
    uwsgi.unlock()
    return plain(start_response, uwsgi.is_locked())
def look(environ, start_response):
    locked = uwsgi.is_locked(), uwsgi.is_locked(1)
    os.write(writing, b'.')
    return plain(start_response, locked)
",
    );
    let mut server = site.serve(&[&HTTP[..], &["--processes", "2"]].concat());
    let mut holder = Responses::on(server.connect());
    holder.peer.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    server.line("holding");
    assert_eq!(text(&get(&server, "/look")), "(True, False)");
    assert_eq!(text(&holder.next("GET")), "False");
}

#[test]
fn an_application_can_have_the_server_reload_or_stop() {
    needs_python!();
    let site = Site::by_path(
        "
import uwsgi
def again(environ, start_response):
    return plain(start_response, uwsgi.reload())
def end(environ, start_response):
    return plain(start_response, uwsgi.stop())
",
    );
    let mut server = site.serve(&HTTP);
    assert_eq!(text(&get(&server, "/again")), "True");
    server.line("gateserve is ready");
    assert_eq!(text(&get(&server, "/end")), "True");
    assert!(server.wait().success());
}

#[test]
fn a_variable_of_the_application_is_in_the_line_of_the_log() {
    needs_python!();
    let site = Site::by_path(
        "
import uwsgi
def sets(environ, start_response):
    uwsgi.set_logvar('shop', 'no. 7')
    return plain(start_response, [uwsgi.get_logvar('shop'), uwsgi.get_logvar('other')])
def reads(environ, start_response):
    return plain(start_response, uwsgi.get_logvar('shop'))
",
    );
    let format = ["--log-format", "%(method) %(uri) shop=%(shop)"];
    let mut server = site.serve(&[&HTTP[..], &format].concat());
    assert_eq!(text(&get(&server, "/sets")), "[b'no. 7', None]");
    server.line("GET /sets shop=no. 7");
    assert_eq!(text(&get(&server, "/reads")), "None");
}

#[test]
fn a_request_can_limit_itself() {
    needs_python!();
    let site = Site::by_path(
        "
import time, uwsgi
def slow(environ, start_response):
    uwsgi.set_user_harakiri(1)
    time.sleep(60)
",
    );
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/slow").head.status, 504);
    server.line("Respawned uWSGI worker 1");
}
