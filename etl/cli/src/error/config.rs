//! Settings that can't be, wherever they stand, and machines that can't run anything.

use std::fmt::Display;
use std::path::Path;

use connectwise_lakehouse::NoName;
use connectwise_pipeline::error::{Error, Kind};

/// The file of variables that can't be read.
pub(crate) fn variables_file(file: &str, why: impl Display) -> Error {
    Error::new(Kind::Config, format!("the file {file} can't be read: {why}"))
}

/// A variable with a value that the option of its name doesn't take. The value isn't shown.
pub(crate) fn variable(name: &str, option: &str) -> Error {
    Error::new(Kind::Config, format!("{name} has a value that {option} doesn't take"))
}

/// A variable with a value that is no text. The value isn't shown.
pub(crate) fn variable_text(name: &str) -> Error {
    Error::new(Kind::Config, format!("the value of {name} isn't UTF-8 text"))
}

/// Variables each of which is right, and which can't be together.
pub(crate) fn variables() -> Error {
    Error::new(Kind::Config, "the variables of the source can't be read together")
}

/// The configuration file that can't be read.
pub(crate) fn unread_configuration(path: &Path) -> Error {
    Error::new(Kind::Config, format!("the configuration {} can't be read", path.display()))
}

/// A line of the configuration file that says what can't be.
pub(crate) fn wrong_configuration(path: &Path, line: usize, why: &str) -> Error {
    Error::new(Kind::Config, format!("the configuration {} is wrong in line {line}: {why}", path.display()))
}

/// A value of `[load]`.
pub(crate) fn load_setting(why: &str) -> Error {
    Error::new(Kind::Config, format!("the configuration's [load] is wrong: {why}"))
}

/// A value of `[source]`.
pub(crate) fn source_setting(name: &str, why: &str) -> Error {
    Error::new(Kind::Config, format!("{name} of [source] in the configuration is wrong: {why}"))
}

/// A layout that there isn't.
pub(crate) fn layout(why: &NoName) -> Error {
    Error::new(Kind::Config, why.to_string())
}

/// A path that this machine can't have.
pub(crate) fn setting_path(text: &str, what: &str, why: impl Display) -> Error {
    Error::new(Kind::Config, format!("{text:?} can't be the {what}: {why}"))
}

/// The file of root certificates that can't be read.
pub(crate) fn certificates(path: &Path) -> Error {
    Error::new(Kind::Config, format!("the file of certificates {} can't be read", path.display()))
}

/// A client that can't be made of the settings.
pub(crate) fn client(why: connectwise_sdk::Error) -> Error {
    Error::new(Kind::Config, why.to_string())
}

/// A simulator that can't be started.
pub(crate) fn simulator(why: connectwise_sim::Error) -> Error {
    Error::new(Kind::Config, why.to_string())
}

/// A clock that stands before 1970.
pub(crate) fn clock() -> Error {
    Error::new(Kind::Config, "this machine's clock says a time before 1970: set it, and run again")
}

/// A machine that has no more threads.
pub(crate) fn no_threads() -> Error {
    Error::new(Kind::Io, "the program can't start its threads")
}
