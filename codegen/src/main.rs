//! `connectwise-codegen`: imports interface documents, checks what is checked in, compares versions, and reports coverage.
//!
//! Exit codes: 0 done, 1 `check` found a difference or `diff` a breaking change, 2 usage, unreadable input or an invalid document.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
