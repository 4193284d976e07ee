//! Faults that only FastCGI can show.

use gatebench::model::Model::FastCgi;

use super::{Entry, Flaw};

pub(super) const FLAWS: &[Entry] = &[
    (
        Flaw::StderrVersionTwo,
        "backend/stderr-version-2",
        &[FastCgi],
    ),
    (
        Flaw::DiesOfOtherVersion,
        "backend/dies-of-other-version",
        &[FastCgi],
    ),
    (Flaw::IdsSwapped, "backend/ids-swapped", &[FastCgi]),
    (
        Flaw::ReservedRefused,
        "backend/reserved-refused",
        &[FastCgi],
    ),
    (Flaw::RecordsOf60K, "backend/records-of-60k", &[FastCgi]),
    (
        Flaw::WidePaddingKept,
        "backend/wide-padding-kept",
        &[FastCgi],
    ),
    (
        Flaw::EmptyPaddingKept,
        "backend/empty-padding-kept",
        &[FastCgi],
    ),
    (
        Flaw::RecordInOneRead,
        "backend/record-in-one-read",
        &[FastCgi],
    ),
    (
        Flaw::StderrUnderId0,
        "backend/stderr-under-id-0",
        &[FastCgi],
    ),
    (
        Flaw::ValuesUnderId1,
        "backend/values-under-id-1",
        &[FastCgi],
    ),
    (
        Flaw::InactiveCloses,
        "backend/inactive-id-closes",
        &[FastCgi],
    ),
    (Flaw::ParamsOfAnyId, "backend/params-of-any-id", &[FastCgi]),
    (
        Flaw::IdUsedTenTimes,
        "backend/id-used-ten-times",
        &[FastCgi],
    ),
    (
        Flaw::BeginTwiceMixed,
        "backend/begin-twice-mixed",
        &[FastCgi],
    ),
    (
        Flaw::UnknownTypeIsStdin,
        "backend/unknown-type-is-stdin",
        &[FastCgi],
    ),
    (Flaw::SendsStdin, "backend/sends-stdin", &[FastCgi]),
    (Flaw::EndTaken, "backend/end-request-taken", &[FastCgi]),
    (Flaw::StdoutTaken, "backend/stdout-taken", &[FastCgi]),
    (
        Flaw::SingleStdinOctetsLost,
        "backend/single-stdin-octets-lost",
        &[FastCgi],
    ),
    (Flaw::NoStdoutEnd, "backend/no-stdout-end", &[FastCgi]),
    (
        Flaw::NoEndOfEmptyStdout,
        "backend/no-end-of-empty-stdout",
        &[FastCgi],
    ),
    (
        Flaw::StdoutEndsTwice,
        "backend/stdout-ends-twice",
        &[FastCgi],
    ),
    (
        Flaw::EmptyStdoutBetween,
        "backend/empty-stdout-between",
        &[FastCgi],
    ),
    (Flaw::EmptyStderr, "backend/empty-stderr", &[FastCgi]),
    (
        Flaw::WaitsForStdinEnd,
        "backend/waits-for-stdin-end",
        &[FastCgi],
    ),
    (
        Flaw::LongNamesDropped,
        "backend/long-names-dropped",
        &[FastCgi],
    ),
    (Flaw::ShortLengthOf127, "backend/length-127-cut", &[FastCgi]),
    (
        Flaw::LongLengthOf15Bits,
        "backend/length-of-15-bits",
        &[FastCgi],
    ),
    (
        Flaw::LongFormRefused,
        "backend/long-form-refused",
        &[FastCgi],
    ),
    (
        Flaw::EmptyValuesDropped,
        "backend/empty-values-dropped",
        &[FastCgi],
    ),
    (
        Flaw::StuckOnEmptyName,
        "backend/stuck-on-empty-name",
        &[FastCgi],
    ),
    (Flaw::ParamsByRecord, "backend/params-by-record", &[FastCgi]),
    (
        Flaw::MalformedParamsServed,
        "backend/malformed-params-served",
        &[FastCgi],
    ),
    (
        Flaw::ParamsCutAt64K,
        "backend/params-cut-at-64k",
        &[FastCgi],
    ),
    (Flaw::KeepsOpen, "backend/keeps-open", &[FastCgi]),
    (Flaw::ClosesWhenIdle, "backend/closes-when-idle", &[FastCgi]),
    (Flaw::AnyFlagKeeps, "backend/any-flag-keeps", &[FastCgi]),
    (
        Flaw::OneConnection,
        "backend/one-connection-at-a-time",
        &[FastCgi],
    ),
    (
        Flaw::LateStdinTakesAll,
        "backend/late-stdin-takes-all",
        &[FastCgi],
    ),
    (
        Flaw::ResetsBehindReply,
        "backend/resets-behind-reply",
        &[FastCgi],
    ),
    (
        Flaw::ValuesUnanswered,
        "backend/values-unanswered",
        &[FastCgi],
    ),
    (
        Flaw::UnknownValueTold,
        "backend/unknown-value-told",
        &[FastCgi],
    ),
    (Flaw::ValuesUnasked, "backend/values-unasked", &[FastCgi]),
    (Flaw::ValuesOnlyIdle, "backend/values-only-idle", &[FastCgi]),
    (Flaw::ValuesInWords, "backend/values-in-words", &[FastCgi]),
    (
        Flaw::ValuesOverstated,
        "backend/values-overstated",
        &[FastCgi],
    ),
    (
        Flaw::UnknownTypeUnanswered,
        "backend/unknown-type-unanswered",
        &[FastCgi],
    ),
    (
        Flaw::UnknownTypeMisnamed,
        "backend/unknown-type-misnamed",
        &[FastCgi],
    ),
    (
        Flaw::DiesOfShortBegin,
        "backend/dies-of-short-begin",
        &[FastCgi],
    ),
    (Flaw::RoleIgnored, "backend/role-ignored", &[FastCgi]),
    (Flaw::RoleCloses, "backend/role-closes", &[FastCgi]),
    (
        Flaw::SecondBeginResets,
        "backend/second-begin-closes",
        &[FastCgi],
    ),
    (
        Flaw::SecondBeginForgetsFirst,
        "backend/second-begin-forgets-first",
        &[FastCgi],
    ),
    (
        Flaw::OthersEndWithFirst,
        "backend/others-end-with-first",
        &[FastCgi],
    ),
    (Flaw::WaitsForReader, "backend/waits-for-reader", &[FastCgi]),
    (
        Flaw::EndOfFiveOctets,
        "backend/end-of-five-octets",
        &[FastCgi],
    ),
    (
        Flaw::AppStatusSwapped,
        "backend/app-status-swapped",
        &[FastCgi],
    ),
    (Flaw::AppStatusOne, "backend/app-status-one", &[FastCgi]),
    (Flaw::AppStatusLost, "backend/app-status-lost", &[FastCgi]),
    (Flaw::EndsOverloaded, "backend/ends-overloaded", &[FastCgi]),
    (Flaw::EndsTwice, "backend/ends-twice", &[FastCgi]),
    (
        Flaw::NoEndAfterNothing,
        "backend/no-end-after-nothing",
        &[FastCgi],
    ),
    (Flaw::AbortIgnored, "backend/abort-ignored", &[FastCgi]),
    (Flaw::AbortCloses, "backend/abort-closes", &[FastCgi]),
    (
        Flaw::AbortOverloaded,
        "backend/abort-overloaded",
        &[FastCgi],
    ),
    (
        Flaw::AnswersBeforeParams,
        "backend/answers-before-params",
        &[FastCgi],
    ),
    (
        Flaw::FilterAnswersEarly,
        "backend/filter-answers-early",
        &[FastCgi],
    ),
    (Flaw::NphOverFastCgi, "backend/nph-over-fastcgi", &[FastCgi]),
    (
        Flaw::BodyWithoutLength,
        "backend/body-without-length-passed",
        &[FastCgi],
    ),
];
