//! The file `.env`: lines of `NAME=value`, taken as they are.
//!
//! Nothing is expanded: a `$` in a password is a `$`, as it is for `docker --env-file`. A value may stand in single quotes, in
//! which nothing has a meaning, or in double quotes, in which `\"`, `\\`, `\$` and `\n` have one. Without quotes it ends with
//! the line, or where white space and a `#` begin a comment.

use std::collections::BTreeMap;

/// What is wrong with a line, without its text: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// The values of a file by their names.
///
/// # Errors
/// The first line that can't be read, or that gives a name another value than an earlier line.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, Fault> {
    let mut values: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (line, text) in text.trim_start_matches('\u{feff}').lines().enumerate().map(|(at, text)| (at + 1, text)) {
        let fault = |problem: String| Fault { line, problem };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let text = text.strip_prefix("export ").map_or(text, str::trim_start);
        let Some((name, value)) = text.split_once('=') else {
            return Err(fault("each line has to be NAME=value".to_owned()));
        };
        let name = name.trim_end();
        if !is_name(name) {
            return Err(fault("a name is made of letters, digits and _, and doesn't begin with a digit".to_owned()));
        }
        let value = value_of(value.trim_start()).map_err(|problem| fault(problem.to_owned()))?;
        match values.get(name) {
            Some((earlier, at)) if *earlier != value => {
                return Err(fault(format!("{name} has another value in line {at}")));
            }
            _ => values.insert(name.to_owned(), (value, line)),
        };
    }
    Ok(values.into_iter().map(|(name, (value, _))| (name, value)).collect())
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|letter: char| letter.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn value_of(text: &str) -> Result<String, &'static str> {
    let (value, rest) = if let Some(quoted) = text.strip_prefix('\'') {
        let (value, rest) = quoted.split_once('\'').ok_or("a value that begins with ' has to end with one")?;
        (value.to_owned(), rest)
    } else if let Some(quoted) = text.strip_prefix('"') {
        in_double_quotes(quoted)?
    } else {
        let mut before = ' ';
        let is_comment = |letter: char| std::mem::replace(&mut before, letter).is_whitespace() && letter == '#';
        let value = text.split_once(is_comment).map_or(text, |(value, _)| value);
        return Ok(value.trim_end().to_owned());
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(value)
    } else {
        Err("nothing may follow the closing quotation mark")
    }
}

fn in_double_quotes(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok((value, letters.as_str())),
            '\\' => match letters.next() {
                Some('n') => value.push('\n'),
                Some(plain @ ('"' | '\\' | '$')) => value.push(plain),
                _ => return Err("a \\ in double quotes has to be written as \\\\, or the value in single quotes"),
            },
            other => value.push(other),
        }
    }
    Err("a value that begins with \" has to end with one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_they_are() {
        let table = [
            ("A=b", "b"),
            ("A = b ", "b"),
            ("export A=b", "b"),
            ("A=", ""),
            ("A=ge$heim", "ge$heim"),
            ("A=${HOME}/x", "${HOME}/x"),
            ("A=\"ge$heim\"", "ge$heim"),
            ("A=\"ge\\$heim\"", "ge$heim"),
            ("A='ge$he\"im\\n'", "ge$he\"im\\n"),
            ("A=\"a \\\"b\\\" \\\\ \\n\"", "a \"b\" \\ \n"),
            ("A=a#b", "a#b"),
            ("A=a #b", "a"),
            ("A=#b", ""),
            ("A='a' # b", "a"),
            ("A=two words", "two words"),
            ("A=C:\\lake", "C:\\lake"),
            ("A=b=c", "b=c"),
            ("A=Þór\u{a0}x", "Þór\u{a0}x"),
            ("\u{feff}A=b", "b"),
            ("# comment\r\n\r\nA=b\r\n", "b"),
            ("A=b\nA=b", "b"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).unwrap().get("A").map(String::as_str), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn a_fault_names_its_line_and_shows_no_value() {
        let table = [
            ("A geheim", 1),
            ("\nA=x\nB geheim", 3),
            ("=geheim", 1),
            ("1A=geheim", 1),
            ("A-B=geheim", 1),
            ("A='geheim", 1),
            ("A=\"geheim", 1),
            ("A=\"geheim\"geheim", 1),
            ("A=\"C:\\geheim\"", 1),
            ("A=geheim\nA=geheimer", 2),
        ];
        for (text, line) in table {
            let fault = parse(text).unwrap_err();
            assert_eq!(fault.line, line, "{text:?}");
            assert!(!fault.problem.contains("geheim"), "{fault:?}");
        }
    }
}
