//! Reads tokens as a condition. `and` binds tighter than `or`; keywords are in any case.

use super::Refusal;
use super::lex::{Compare, Token};

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
    Flag(bool),
    Null,
}

/// Parentheses deeper than this are refused, so that no text can exhaust the stack.
const DEEPEST: usize = 64;

pub(crate) fn parse(tokens: &[Token]) -> Result<Expression, Refusal> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
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
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() > 1 { Expression::Any(parts) } else { parts.remove(0) })
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
        Some(Token::Time(_)) => "a DateTime".to_owned(),
        Some(Token::Compare(_)) => "an operator".to_owned(),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::Comma) => "','".to_owned(),
    };
    Refusal::condition(format!("Expected {wanted}, found {found}."))
}

#[cfg(test)]
mod tests {
    use super::super::lex::tokens;
    use super::*;

    fn read(text: &str) -> Result<Expression, Refusal> {
        parse(&tokens(text)?)
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_win() {
        assert_eq!(read("id=1 or id=2 AND id=3"), read("(id=1) OR (id=2 and id=3)"));
        assert_ne!(read("id=1 or id=2 and id=3"), read("(id=1 or id=2) and id=3"));
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
