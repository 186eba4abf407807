//! The [`models`](crate::models), module by module: each type stands in the module that alone uses it, or in `shared`.
//!
//! `models` has all of them under one roof; they are the same types. A module of its own is for those who read its documentation, or
//! bring all types of a module into scope.

#![allow(missing_docs, reason = "the interface document has no prose: names are all it says")]
#![allow(unused_imports, unreachable_pub, reason = "not every selection of schemas has values of every type")]

use crate::decimal::Decimal;
use crate::extra::Extra;
use crate::models::*;
use crate::open_enum::open_enum;
use crate::path::Reference;
use crate::properties::properties;
use crate::record::Record;
use crate::rules::Rule;
use crate::setters::setters;
use crate::timestamp::Timestamp;

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
