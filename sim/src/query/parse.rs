//! Reads a condition: whether `and` binds tighter than `or` is uncertain; keywords are in any case.

use super::lex::{self, Compare, Token};
use super::{Grammar, Refusal};

/// A condition as written, names not yet looked up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare { path: String, operator: Compare, value: Literal },
    In { path: String, negated: bool, values: Vec<Literal> },
    Like { path: String, negated: bool, contains: bool, pattern: String },
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Number(f64),
    Text(String),
    Time(i64),
    /// Equal to nothing, and neither before nor after anything.
    Never,
    Flag(bool),
    Null,
}

/// Parentheses deeper than this are refused, so that no text can exhaust the stack.
const DEEPEST: usize = 64;

pub(crate) fn read(grammar: Grammar, text: &str) -> Result<Expression, Refusal> {
    let tokens = lex::tokens(grammar, text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, and_first: grammar.and_first };
    let expression = parser.any()?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(unexpected(Some(token), "the end")),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    and_first: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, Refusal> {
        if !self.and_first {
            return self.left_to_right();
        }
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() > 1 { Expression::Any(parts) } else { parts.remove(0) })
    }

    /// Each word joins what is to its left with what is next.
    fn left_to_right(&mut self) -> Result<Expression, Refusal> {
        let mut found = self.unary()?;
        let mut turns = 0;
        loop {
            let all = self.keyword("and");
            if !all && !self.keyword("or") {
                return Ok(found);
            }
            let next = self.unary()?;
            found = match found {
                Expression::All(mut parts) if all && turns > 0 => {
                    parts.push(next);
                    Expression::All(parts)
                }
                Expression::Any(mut parts) if !all && turns > 0 => {
                    parts.push(next);
                    Expression::Any(parts)
                }
                found => {
                    turns += 1;
                    if turns > DEEPEST {
                        return Err(Refusal::condition("The condition mixes AND and OR too often."));
                    }
                    if all { Expression::All(vec![found, next]) } else { Expression::Any(vec![found, next]) }
                }
            };
        }
    }

    fn all(&mut self) -> Result<Expression, Refusal> {
        let mut parts = vec![self.unary()?];
        while self.keyword("and") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() > 1 { Expression::All(parts) } else { parts.remove(0) })
    }

    fn unary(&mut self) -> Result<Expression, Refusal> {
        if self.peek() != Some(&Token::Open) {
            return self.predicate();
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::condition("The condition has too many parentheses."));
        }
        let inner = self.any()?;
        self.depth -= 1;
        self.expect(&Token::Close, "')'")?;
        Ok(inner)
    }

    fn expect(&mut self, token: &Token, name: &str) -> Result<(), Refusal> {
        match self.take() {
            Some(found) if found == token => Ok(()),
            found => Err(unexpected(found, name)),
        }
    }

    fn predicate(&mut self) -> Result<Expression, Refusal> {
        let path = match self.take() {
            Some(Token::Word(word)) => word.clone(),
            found => return Err(unexpected(found, "a name")),
        };
        let negated = self.keyword("not");
        if self.keyword("in") {
            return Ok(Expression::In { path, negated, values: self.values()? });
        }
        for (keyword, contains) in [("like", false), ("contains", true)] {
            if self.keyword(keyword) {
                return match self.take() {
                    Some(Token::Text(text)) => Ok(Expression::Like { path, negated, contains, pattern: text.clone() }),
                    found => Err(unexpected(found, "a string")),
                };
            }
        }
        match self.take() {
            Some(Token::Compare(operator)) if !negated => {
                let operator = *operator;
                Ok(Expression::Compare { path, operator, value: self.value()? })
            }
            found => Err(unexpected(found, "an operator")),
        }
    }

    fn values(&mut self) -> Result<Vec<Literal>, Refusal> {
        self.expect(&Token::Open, "'('")?;
        let mut values = vec![self.value()?];
        loop {
            match self.take() {
                Some(Token::Comma) => values.push(self.value()?),
                Some(Token::Close) => return Ok(values),
                found => return Err(unexpected(found, "',' or ')'")),
            }
        }
    }

    fn value(&mut self) -> Result<Literal, Refusal> {
        match self.take() {
            Some(Token::Number(number)) => Ok(Literal::Number(*number)),
            Some(Token::Text(text)) => Ok(Literal::Text(text.clone())),
            Some(Token::Time(instant)) => Ok(Literal::Time(*instant)),
            Some(Token::Never) => Ok(Literal::Never),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Literal::Flag(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(Literal::Flag(false)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            found => Err(unexpected(found, "a value")),
        }
    }
}

fn unexpected(found: Option<&Token>, wanted: &str) -> Refusal {
    let found = match found {
        None => "the end".to_owned(),
        Some(Token::Word(word)) => format!("'{word}'"),
        Some(Token::Number(number)) => format!("the number {number}"),
        Some(Token::Text(text)) => format!("the string \"{text}\""),
        Some(Token::Time(_) | Token::Never) => "a DateTime".to_owned(),
        Some(Token::Compare(_)) => "an operator".to_owned(),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::Comma) => "','".to_owned(),
    };
    Refusal::condition(format!("Expected {wanted}, found {found}."))
}

#[cfg(test)]
mod tests {
    use super::super::{Escape, Times};
    use super::*;

    fn read(text: &str) -> Result<Expression, Refusal> {
        super::read(Grammar::default(), text)
    }

    #[test]
    fn and_and_or_are_read_left_to_right_to_right_or_and_first_and_parentheses_win() {
        let and_first = |text: &str| super::read(Grammar { and_first: true, ..Grammar::default() }, text);
        for text in ["id=1 or id=2 AND id=3 or id=4", "id=1 and id=2 or id=3"] {
            let (left, first) = (read(text).unwrap(), and_first(text).unwrap());
            assert_eq!(left != first, text.contains("or id=2"), "{text}");
        }
        assert_eq!(read("id=1 or id=2 AND id=3"), read("(id=1 OR id=2) and id=3"));
        assert_eq!(and_first("id=1 or id=2 AND id=3"), and_first("(id=1) OR (id=2 and id=3)"));
        assert_eq!(read("id=1 or id=2 or id=3"), and_first("id=1 or id=2 or id=3"));
        assert_eq!(read("id=1 or (id=2 and id=3)"), and_first("id=1 or (id=2 and id=3)"));
        assert!(read(&"id=1 and id=2 or ".repeat(2_000)).is_err());
    }

    #[test]
    fn quotes_are_escaped_as_the_grammar_says() {
        let text = |escape, condition: &str| match super::read(Grammar { escape, ..Grammar::default() }, condition) {
            Ok(Expression::Compare { value: Literal::Text(text), .. }) => Some(text),
            _ => None,
        };
        for (condition, escape, expected) in [
            (r#"name="a\"b""#, Escape::None, None),
            (r#"name="a\"b""#, Escape::Backslash, Some(r#"a"b"#)),
            (r"name='a\\'", Escape::Backslash, Some(r"a\")),
            (r"name='a\\'", Escape::None, Some(r"a\\")),
            ("name='a''b'", Escape::Doubled, Some("a'b")),
            ("name='a''b'", Escape::None, None),
            ("name=''", Escape::Doubled, Some("")),
            ("name='''", Escape::Doubled, None),
            (r"name='a\", Escape::Backslash, None),
        ] {
            assert_eq!(text(escape, condition).as_deref(), expected, "{condition} {escape:?}");
        }
    }

    #[test]
    fn dates_have_a_z_or_none() {
        let value = |times, text: &str| match super::read(Grammar { times, ..Grammar::default() }, text) {
            Ok(Expression::Compare { value, .. }) => Some(value),
            _ => None,
        };
        let day = 24 * 3600;
        assert_eq!(value(Times::Utc, "a > [1970-01-02T00:00:00Z]"), Some(Literal::Time(day)));
        assert_eq!(value(Times::Utc, "a > [1970-01-02]"), Some(Literal::Time(day)));
        assert_eq!(value(Times::Utc, "a > [1970-01-02T00:00:00]"), None);
        assert_eq!(value(Times::Naive, "a > [1970-01-02T00:00:00Z]"), Some(Literal::Never));
        assert_eq!(value(Times::Naive, "a > [1970-01-02]"), Some(Literal::Time(2 * day)));
        assert_eq!(value(Times::Naive, "a > [1970-01-02T00:00:00.000001]"), Some(Literal::Time(day)));
        // Where clocks show an hour less, their midnight comes an hour later.
        for text in ["a > [1970-01-02T00:00:00Z]", "a > [1970-01-02T00:00:00]", "a > [1970-01-02]"] {
            assert_eq!(value(Times::Local(-3600), text), Some(Literal::Time(day + 3600)), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_the_apis_code() {
        for text in [
            "id",
            "id =",
            "= 1",
            "id = 1 and",
            "id = 1 id = 2",
            "(id = 1",
            "id = 1)",
            "id in 1",
            "id in ()",
            "id in (1",
            "id in (1,)",
            "id not 1",
            "name like 5",
            "name = \"a",
            "name = 'a",
            "date > [2025",
            "date > [soon]",
            "date > [2025-01-01T00:00:00+02:00]",
            "id ! 1",
            "id = 1.2.3",
            "id = 12x",
            "id = --1",
            "id = @",
            "id = 1;",
            "not id = 1",
            "id == 1",
            "id = abc",
        ] {
            let refusal = read(text).expect_err(text);
            assert_eq!(refusal.code, "ApiFindCondition", "{text}");
        }
    }

    #[test]
    fn deep_parentheses_are_refused_and_not_a_stack_overflow() {
        let text = format!("{}id=1{}", "(".repeat(20_000), ")".repeat(20_000));
        assert!(read(&text).is_err());
        let text = format!("{}id=1{}", "(".repeat(60), ")".repeat(60));
        assert_eq!(read(&text), read("id=1"));
    }
}
