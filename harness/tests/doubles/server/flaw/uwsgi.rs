//! Faults that only uwsgi can show.

use gatebench::model::Model::Uwsgi;

use super::{Entry, Flaw};

pub(super) const FLAWS: &[Entry] = &[
    (
        Flaw::UwsgiSizeSwapped,
        "backend/uwsgi-size-swapped",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiDiesOfLargeBlock,
        "backend/uwsgi-dies-of-large-block",
        &[Uwsgi],
    ),
    (Flaw::UwsgiInOneRead, "backend/uwsgi-in-one-read", &[Uwsgi]),
    (
        Flaw::UwsgiRunsTruncated,
        "backend/uwsgi-runs-truncated",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiLimitOf4096,
        "backend/uwsgi-limit-of-4096",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiServesEmpty,
        "backend/uwsgi-serves-empty",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiStuckOnHttp,
        "backend/uwsgi-stuck-on-http",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiAnyModifier,
        "backend/uwsgi-any-modifier",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiModifier2Refused,
        "backend/uwsgi-modifier2-refused",
        &[Uwsgi],
    ),
    (Flaw::UwsgiPingEchoed, "backend/uwsgi-ping-echoed", &[Uwsgi]),
    (Flaw::UwsgiEchoes, "backend/uwsgi-echoes", &[Uwsgi]),
    (
        Flaw::UwsgiObeysPackets,
        "backend/uwsgi-obeys-packets",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiPongAnswered,
        "backend/uwsgi-pong-answered",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiVarSizeSwapped,
        "backend/uwsgi-var-size-swapped",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiEmptyKeyServed,
        "backend/uwsgi-empty-key-served",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiLastEmptyRefused,
        "backend/uwsgi-last-empty-refused",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiOverrunServed,
        "backend/uwsgi-overrun-served",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiServerNameMissing,
        "backend/uwsgi-server-name-missing",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiObeysVariables,
        "backend/uwsgi-obeys-variables",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiDiesOfManyVars,
        "backend/uwsgi-dies-of-many-vars",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiWaitsWithoutLength,
        "backend/uwsgi-waits-without-length",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiBadLengthHuge,
        "backend/uwsgi-bad-length-huge",
        &[Uwsgi],
    ),
    (Flaw::UwsgiBodyToEnd, "backend/uwsgi-body-to-end", &[Uwsgi]),
    (
        Flaw::UwsgiShortBodyWhole,
        "backend/uwsgi-short-body-whole",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiBodyTakesAll,
        "backend/uwsgi-body-takes-all",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiHeadHasBody,
        "backend/uwsgi-head-has-body",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiDiesOfLostClient,
        "backend/uwsgi-dies-of-lost-client",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiReadsAllFirst,
        "backend/uwsgi-reads-all-first",
        &[Uwsgi],
    ),
    (Flaw::UwsgiDechunks, "backend/uwsgi-dechunks", &[Uwsgi]),
    (
        Flaw::UwsgiRepliesAsCgi,
        "backend/uwsgi-replies-as-cgi",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiSendsInterim,
        "backend/uwsgi-sends-interim",
        &[Uwsgi],
    ),
    (
        Flaw::UwsgiSendsChunked,
        "backend/uwsgi-sends-chunked",
        &[Uwsgi],
    ),
    (Flaw::UwsgiHoldsReply, "backend/uwsgi-holds-reply", &[Uwsgi]),
    (Flaw::UwsgiKeepsOpen, "backend/uwsgi-keeps-open", &[Uwsgi]),
    (
        Flaw::UwsgiTakesSecond,
        "backend/uwsgi-takes-second",
        &[Uwsgi],
    ),
    (Flaw::UwsgiResets, "backend/uwsgi-resets", &[Uwsgi]),
    (
        Flaw::PathDecodedAgain,
        "backend/path-decoded-again",
        &[Uwsgi],
    ),
    (
        Flaw::RemoteAddrOfSocket,
        "backend/remote-addr-of-socket",
        &[Uwsgi],
    ),
    (Flaw::OwnNamesOnly, "backend/own-names-only", &[Uwsgi]),
    (Flaw::ScriptNameLost, "backend/script-name-lost", &[Uwsgi]),
];
