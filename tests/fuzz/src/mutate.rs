//! The fuzz targets without libFuzzer, for every run of the tests: their corpus, and changes of it that a seed draws.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::draws::Draws;

/// What parsers stumble over.
const TOKENS: [&[u8]; 24] = [
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"=",
    b"\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"NaN",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"$HOME",
    b"--",
    b"/*",
];
/// Inputs that are fed at least, however slow the machine is.
const FEWEST: usize = 100;
/// A parser that needs longer for one input of some kilobytes is taken to hang.
const LONGEST: Duration = Duration::from_secs(60);

/// Feeds a target its corpus and then changed copies of it, for `CW_FUZZ_SECONDS` (8 unless said), drawn from `CW_FUZZ_SEED`.
///
/// # Panics
/// When the target panics or hangs, with the input.
pub(crate) fn feed(target: &'static str, parse: fn(&[u8])) {
    let corpus = corpus(target);
    let seconds = std::env::var("CW_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let seed = std::env::var("CW_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x5EED);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (sender, fed) = mpsc::sync_channel::<Vec<u8>>(0);
    let worker = std::thread::spawn(move || {
        let mut draws = Draws::new(seed);
        let mut count = 0;
        while count < corpus.len().max(FEWEST) || Instant::now() < until {
            let input = match corpus.get(count) {
                Some(seed) => seed.clone(),
                None => changed(&corpus, &mut draws),
            };
            count += 1;
            // Whoever waits knows the input before it is parsed.
            if sender.send(input.clone()).is_err() {
                return;
            }
            if let Err(fault) = catch_unwind(AssertUnwindSafe(|| parse(&input))) {
                eprintln!("{target} fails on {:?}", String::from_utf8_lossy(&input));
                resume_unwind(fault);
            }
        }
    });
    let mut last = Vec::new();
    loop {
        match fed.recv_timeout(LONGEST) {
            Ok(input) => last = input,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("{target} hangs on {:?}", String::from_utf8_lossy(&last))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Err(fault) = worker.join() {
        resume_unwind(fault);
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no inputs", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A text of the corpus with some changes.
fn changed(corpus: &[Vec<u8>], draws: &mut Draws) -> Vec<u8> {
    let mut below = |bound: usize| draws.below(bound as u64) as usize;
    let mut input = corpus[below(corpus.len())].clone();
    for _ in 0..=below(6) {
        let at = below(input.len() + 1);
        let end = (at + 1 + below(16)).min(input.len());
        match below(6) {
            0 if at < input.len() => input[at] ^= 1 << below(8),
            1 => drop(input.splice(at..at, TOKENS[below(TOKENS.len())].iter().copied())),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                let times = 1 + below(8);
                input.splice(at..at, piece.repeat(times));
            }
            4 => input.truncate(at),
            _ => {
                let other = &corpus[below(corpus.len())];
                let from = below(other.len() + 1);
                input.splice(at..end, other[from..].iter().take(64).copied());
            }
        }
    }
    input
}
