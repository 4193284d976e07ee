//! Reports: pure functions from stored results to text, each with a picture of itself beside it.
//!
//! [`view`], [`findings`], [`observed`] and [`contest`] arrange the results once; [`terminal`], [`markdown`],
//! [`junit`] and [`html`] only word them. [`stored`] reads old runs back and merges them,
//! [`change`] holds two against each other, [`reproduction`] tells all of one case, and [`files`] writes what was asked for.

pub mod change;
pub mod contest;
pub mod csv;
pub mod draft;
pub mod editions;
pub mod embargo;
pub mod files;
pub mod findings;
pub mod glance;
pub mod history;
pub mod html;
pub mod junit;
mod key;
pub mod lone;
pub mod markdown;
mod markup;
pub mod observed;
pub mod predictions;
pub mod relist;
pub mod reproduction;
pub mod steps;
pub mod stored;
pub mod sweep;
pub mod terminal;
pub mod text;
pub mod units;
pub mod view;
