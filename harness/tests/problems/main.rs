//! The problems that people ask about, each set up for real: behind nginx, with php-cgi, gateserve or
//! a socket that misbehaves; tap, doctor, explain and env-diff have to name cause and cure.
//!
//! | problem of the list | test |
//! |---|---|
//! | 1 closed early | `endings::a_server_that_closes…` |
//! | 2 Primary script unknown | `variables::a_script_that_is_not_there…`, `variables::without_script_filename…` |
//! | 3 empty POST body | `bodies::a_chunked_body…` |
//! | 4 too big header | `heads::a_head_that_does_not_fit…` |
//! | 5 invalid request block size | `heads::cookies_beyond_buffer_size…` |
//! | 6 PATH_INFO missing | `variables::what_follows_the_script…` |
//! | 7 sub-path | `variables::a_prefix_that_both_sides…`, `variables::modifier_30…` |
//! | 8 Authorization missing | `variables::a_login_that_is_kept_back…` |
//! | 9 early answer | `bodies::an_answer_before_the_whole_body…` |
//! | 10 socket errors | `sockets::*` |
//! | 11 which timer | `timers::*` |
//! | 12 no streaming | `heads::a_stream_of_events…` |
//! | 13 invalid header | `heads::output_in_front_of_the_head…` |
//! | 14 wrong protocol | `sockets::the_wrong_protocol…` |
//! | 15 encoded slash | `variables::an_encoded_slash…` |
//! | 16 keep-alive | `endings::a_kept_connection…` |
//! | 17 scheme and host | `variables::a_scheme_that_is_lost…` |
//! | 18 which is faster | `speed::one_run_tells…` |
//! | 19 works in one server only | `env_diff::*` |
//! | 20 security | `variables::what_a_client_must_not_set…` |

mod bodies;
mod doctor;
mod endings;
mod env_diff;
mod gateserve_lines;
mod heads;
mod kit;
mod recorded;
mod sockets;
mod speed;
#[path = "../support/mod.rs"]
mod support;
mod tap;
mod timers;
mod variables;
