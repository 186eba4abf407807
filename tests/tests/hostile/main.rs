//! The program against servers that lie, fail, stall and talk nonsense. Each case is a script of answers, and what a person has
//! to be told, the exit code, and what has to be in the table afterwards. It runs the program and links none of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answer;
mod case;
mod cases;
mod program;
mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use program::{Lakehouse, MOST_MEMORY};

/// Programs at once: more than cores, as each waits for its server now and then.
const AT_ONCE: usize = 6;

/// Cases that there are at least.
const MANY: usize = 100;

#[test]
fn every_hostile_server_is_told_in_one_sentence_and_spoils_no_table() {
    let cases = cases::all();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "each case has a name of its own");
    assert!(cases.len() > MANY, "{} cases", cases.len());
    let only = std::env::var("CW_HOSTILE").unwrap_or_default();
    let loaded = Arc::new(Lakehouse::loaded());
    let queue = Mutex::new(cases.into_iter().filter(|case| case.name.contains(&only)));
    let (failures, memory) = (Mutex::new(Vec::new()), Mutex::new((0, "")));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { return };
                    let (used, wrong) = case.run(&loaded);
                    let mut memory = memory.lock().unwrap();
                    *memory = (*memory).max((used, case.name));
                    failures.lock().unwrap().extend(wrong);
                }
            });
        }
    });
    let (used, name) = memory.into_inner().unwrap();
    println!("at most {} MB, in the case {name:?}", used / 1024);
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} cases failed:\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(used > 0 && used < MOST_MEMORY, "{used} kB in the case {name:?}");
}
