//! Cuts a condition into tokens.

use super::{Escape, Grammar, Refusal, Times};
use crate::calendar;

/// A token and where it starts, in characters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name, a path or a keyword.
    Word(String),
    Number(f64),
    Text(String),
    Time(i64),
    /// A date in a form that nothing matches.
    Never,
    Compare(Compare),
    Open,
    Close,
    Comma,
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longest condition that is read at all, in bytes.
const LONGEST: usize = 64 * 1024;

pub(crate) fn tokens(grammar: Grammar, text: &str) -> Result<Vec<Token>, Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::condition("The condition is too long."));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let (token, length) = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Compare(Compare::Equal), 1),
            '!' if next == Some('=') => (Token::Compare(Compare::NotEqual), 2),
            '<' if next == Some('=') => (Token::Compare(Compare::LessOrEqual), 2),
            '>' if next == Some('=') => (Token::Compare(Compare::GreaterOrEqual), 2),
            '<' => (Token::Compare(Compare::Less), 1),
            '>' => (Token::Compare(Compare::Greater), 1),
            '"' | '\'' => quoted(&chars[at..], c, at, grammar.escape)?,
            '[' => bracketed(&chars[at..], at, grammar.times)?,
            '-' | '0'..='9' => number(&chars[at..], at)?,
            c if is_name(c) => {
                let word: String =
                    chars[at..].iter().copied().take_while(|c| is_name(*c) || *c == '/' || *c == '.').collect();
                let length = word.chars().count();
                (Token::Word(word), length)
            }
            other => return Err(unexpected(other, at)),
        };
        tokens.push(token);
        at += length;
    }
    Ok(tokens)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn unexpected(c: char, at: usize) -> Refusal {
    Refusal::condition(format!("Unexpected character '{c}' at position {at}."))
}

/// A text ends at the next quote of its kind, unless that is escaped.
fn quoted(chars: &[char], quote: char, at: usize, escape: Escape) -> Result<(Token, usize), Refusal> {
    let (mut text, mut end) = (String::new(), 1);
    loop {
        let next = chars.get(end + 1).copied();
        let escaped = match chars.get(end).copied() {
            None => return Err(Refusal::condition(format!("The string that starts at position {at} has no end."))),
            Some('\\') => escape == Escape::Backslash && (next == Some(quote) || next == Some('\\')),
            Some(c) if c == quote => {
                if escape != Escape::Doubled || next != Some(quote) {
                    return Ok((Token::Text(text), end + 1));
                }
                true
            }
            Some(_) => false,
        };
        end += usize::from(escaped);
        text.extend(chars.get(end));
        end += 1;
    }
}

fn bracketed(chars: &[char], at: usize, times: Times) -> Result<(Token, usize), Refusal> {
    let text: String = chars[1..].iter().take_while(|c| **c != ']').collect();
    let length = text.chars().count() + 2;
    if length > chars.len() {
        return Err(Refusal::condition(format!("The date that starts at position {at} has no end.")));
    }
    let (instant, zoned) = (calendar::parse(&text), text.trim_end().ends_with(['Z', 'z']));
    let whole_day = text.trim().len() == "2025-01-31".len();
    match (instant, times) {
        // A server whose clock is behind its data: today is empty, and yesterday is what has come since.
        (Some(instant), Times::Naive) if whole_day => Ok((Token::Time(instant + calendar::DAY), length)),
        (Some(_), Times::Naive) if zoned => Ok((Token::Never, length)),
        (Some(instant), Times::Naive) => Ok((Token::Time(instant), length)),
        (Some(instant), Times::Utc) if zoned || whole_day => Ok((Token::Time(instant), length)),
        (Some(instant), Times::Local(ahead)) => Ok((Token::Time(instant - ahead), length)),
        _ => Err(Refusal::condition(format!("'{text}' is not a valid DateTime value."))),
    }
}

fn number(chars: &[char], at: usize) -> Result<(Token, usize), Refusal> {
    let text: String = chars
        .iter()
        .enumerate()
        .take_while(|(at, c)| c.is_ascii_digit() || **c == '.' || (*at == 0 && **c == '-'))
        .map(|(_, c)| *c)
        .collect();
    let bad = || Refusal::condition(format!("'{text}' at position {at} is not a valid number."));
    // A digit glued to letters is neither a number nor a name.
    if chars.get(text.len()).is_some_and(|c| is_name(*c)) || text.ends_with('.') {
        return Err(bad());
    }
    text.parse().map(|number| (Token::Number(number), text.len())).map_err(|_| bad())
}
