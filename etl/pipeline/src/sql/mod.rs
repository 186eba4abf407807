//! SQL that people write, in questions and in models of their own: one SELECT that only reads, and no deeper than can be
//! planned.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::json::ArrayWriter;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Result, sql_error};

mod reads;

use reads::{MOST_READS, reads};

/// What built-in SQL never uses, in lower case, because Spark has it otherwise or not at all.
#[cfg(test)]
pub(crate) const BEYOND_SPARK: [&str; 8] = ["now()", "::", "qualify", " except", "\"", "\\", "varchar", "concat("];

/// Nodes of a plan. [`reads`] bounds what a text may name, and this the views behind those names.
const MOST_NODES: usize = 20_000;

/// Operators that may stand within one expression. Each is a level of its tree, and the planner, the optimizer and the
/// evaluation go down these trees by calling themselves: with 20,000 levels the stack overflows, which ends the process.
const MOST_OPERATORS: usize = 500;

/// Parses a text that has to be one SELECT (with WITH, VALUES and UNION as one likes).
///
/// # Errors
/// [`Kind::Sql`](crate::error::Kind::Sql) for anything else, and for a SELECT that is too deep to be planned.
pub(crate) fn parse(session: &SessionContext, sql: &str) -> Result<Statement> {
    let deepest = operators(sql);
    if deepest > MOST_OPERATORS {
        return Err(Error::too_many_operators(deepest, MOST_OPERATORS));
    }
    let state = session.state();
    let statement = state.sql_to_statement(sql, &state.config().options().sql_parser.dialect).map_err(sql_error)?;
    match &statement {
        Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)) => {
            let reads = reads(inner);
            if reads > MOST_READS {
                return Err(Error::too_many_reads(reads, MOST_READS));
            }
            Ok(statement)
        }
        _ => Err(Error::no_select(&statement)),
    }
}

/// Plans a text that has to be one SELECT. Whatever it is, nothing is written and no setting is changed.
///
/// # Errors
/// [`Kind::Sql`](crate::error::Kind::Sql) as [`parse`], and when it can't be planned.
pub(crate) async fn select(session: &SessionContext, sql: &str) -> Result<DataFrame> {
    plan(session, parse(session, sql)?).await
}

/// Plans what [`parse`] gave.
///
/// # Errors
/// [`Kind::Sql`](crate::error::Kind::Sql) when it can't be planned, or would do more than read.
pub(crate) async fn plan(session: &SessionContext, statement: Statement) -> Result<DataFrame> {
    let plan = session.state().statement_to_plan(statement).await.map_err(sql_error)?;
    if is_too_large(&plan).map_err(sql_error)? {
        return Err(Error::too_large_plan(MOST_NODES));
    }
    // A query can hold INSERT, UPDATE or SELECT INTO, too.
    let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_reads.verify_plan(&plan).map_err(sql_error)?;
    session.execute_logical_plan(plan).await.map_err(sql_error)
}

/// Rows as a JSON array of objects, absent values left out.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when a column's type has no JSON form.
pub fn json(rows: &[RecordBatch]) -> Result<Vec<u8>> {
    let fault = |error| Error::no_json().with_source(error);
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write_batches(&rows.iter().collect::<Vec<_>>()).map_err(fault)?;
    writer.finish().map_err(fault)?;
    let bytes = writer.into_inner();
    // The writer leaves out the brackets when there is no row at all.
    Ok(if bytes.is_empty() { b"[]".to_vec() } else { bytes })
}

/// Whether a plan has more nodes than can be planned. A part that is read many times is one in memory, and many to whoever
/// walks the plan, as the optimizer does. No more is counted than may be there.
fn is_too_large(plan: &LogicalPlan) -> datafusion::error::Result<bool> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(nodes > MOST_NODES)
}

/// Names of the tables that a SELECT reads, in lower case. None where it can't be parsed: whoever plans it says why.
pub(crate) fn tables(sql: &str) -> BTreeSet<String> {
    let parsed = (operators(sql) <= MOST_OPERATORS).then(|| DFParser::parse_sql(sql).ok()?.pop_front()).flatten();
    let read = parsed.and_then(|statement| resolve_table_references(&statement, false).ok());
    read.map_or_else(BTreeSet::new, |(tables, _)| tables.iter().map(|name| name.table().to_lowercase()).collect())
}

/// What is open at a place of a text: the text itself, and a bracket within it.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// Operators since the last comma, which begins another expression.
    operators: usize,
    /// What puts one SELECT or table onto those before: UNION, JOIN, and commas between tables.
    chained: usize,
    /// Whether commas stand between tables.
    tables: bool,
}

/// Most operators that stand above each other in one expression of a text, counted without parsing it: parsing calls itself,
/// too. Where this counts too many, it errs towards more.
fn operators(sql: &str) -> usize {
    let dialect = GenericDialect {};
    let mut tokens = Vec::new();
    // What is no SQL at all is told by the parser, which stops at the same place.
    let _ = Tokenizer::new(&dialect, sql).tokenize_with_location_into_buf(&mut tokens);
    let mut open = vec![Open::default()];
    let mut outside = 0;
    let mut most = 0;
    for token in tokens.into_iter().map(|located| located.token) {
        let Some(inner) = open.last_mut() else { break };
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                // A subscript is an operator, too.
                inner.operators += usize::from(token != Token::LParen);
                outside += inner.operators + inner.chained;
                open.push(Open::default());
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if open.len() > 1 {
                    open.pop();
                    outside -= open.last().map_or(0, |before| before.operators + before.chained);
                }
            }
            Token::Comma => {
                inner.operators = 0;
                inner.chained += usize::from(inner.tables);
            }
            Token::Word(word) => match word.keyword {
                Keyword::SELECT | Keyword::WHERE | Keyword::HAVING => (inner.operators, inner.tables) = (0, false),
                Keyword::FROM | Keyword::WITH => inner.tables = true,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS | Keyword::JOIN => {
                    inner.chained += 1
                }
                Keyword::GROUP | Keyword::ORDER | Keyword::LIMIT => inner.tables = false,
                Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::DIV
                | Keyword::CASE
                | Keyword::INTERVAL => inner.operators += 1,
                _ => {}
            },
            Token::Whitespace(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Period
            | Token::SemiColon
            | Token::EOF => {}
            _ => inner.operators += 1,
        }
        most = most.max(outside + open.last().map_or(0, |inner| inner.operators + inner.chained));
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use connectwise_lakehouse::Lake;

    fn session() -> SessionContext {
        Lake::open(&std::env::temp_dir().to_string_lossy()).unwrap().session().unwrap()
    }

    async fn outcome(sql: &str) -> Result<usize> {
        let frame = select(&session(), sql).await?;
        Ok(frame.collect().await.map_err(sql_error)?.iter().map(arrow::array::RecordBatch::num_rows).sum())
    }

    #[tokio::test]
    async fn one_select_is_all_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x.csv").display().to_string();
        std::fs::write(&place, "a\n1\n").unwrap();
        for sql in [
            "select 1",
            "with a as (select 1 as x) select * from a union all select 2",
            "values (1), (2)",
            "(select 1)",
            "select * from generate_series(1, 3)",
            "select 1;",
        ] {
            assert!(outcome(sql).await.is_ok_and(|rows| rows > 0), "{sql}");
        }
        for sql in [
            &format!("copy (select 1) to '{place}.out'"),
            &format!("create external table x stored as csv location '{place}'"),
            "create table x as select 1",
            "create view x as select 1",
            "drop table x",
            "set datafusion.execution.time_zone = '+01:00'",
            "reset datafusion.execution.time_zone",
            "insert into x values (1)",
            "with a as (select 1) insert into x select * from a",
            "select 1 into x",
            "update x set a = 1",
            "delete from x",
            "explain select 1",
            "explain analyze select 1",
            "show tables",
            "prepare p as select 1",
            "begin",
            "select 1; select 2",
            "select 1; drop table x",
            &format!("select * from '{place}'"),
            &format!("select * from \"{place}\""),
            &format!("select * from read_csv('{place}')"),
            "select * from information_schema.tables",
            "",
            ";",
            "-- nothing",
        ] {
            assert!(outcome(sql).await.is_err(), "{sql}");
        }
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing was written");
    }

    #[tokio::test]
    async fn what_is_too_deep_for_the_stack_is_one_sentence() {
        let chain = |one: &str, operator: &str, times: usize| vec![one; times].join(operator);
        for sql in [
            format!("select {}", chain("1", " + ", 20_000)),
            format!("select 1 where {}", chain("1 = 2", " or ", 20_000)),
            format!("select 1 where 1 in (select 1 where {})", chain("1 = 2", " and ", 20_000)),
            chain("select 1", " union all ", 20_000),
            format!("select * from {}", chain("(values (1)) v", ", ", 20_000)),
            format!("select 1 {}", "is null ".repeat(20_000)),
            format!("select 1{}", "::int".repeat(20_000)),
            format!("select a{}", "[1]".repeat(20_000)),
            format!("select {} 1", "- ".repeat(20_000)),
            format!("select {}", chain("'a'", " || ", 20_000)),
        ] {
            let error = outcome(&sql).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Sql);
            let text = error.to_string();
            assert!(text.contains("operators in one expression, and at most 500 can be planned"), "{text:.300}");
        }
        for (open, close) in [("(", ")"), ("abs(", ")"), ("(select ", ")"), ("case when true then ", " end")] {
            let sql = format!("select {}1{}", open.repeat(20_000), close.repeat(20_000));
            let text = outcome(&sql).await.unwrap_err().to_string();
            assert!(text.len() < 400, "{open}: {text:.400}");
        }
    }

    #[tokio::test]
    async fn what_is_long_and_not_deep_runs() {
        let values: Vec<String> = (0..20_000).map(|value| value.to_string()).collect();
        for sql in [
            format!("select 1 where 7 in ({})", values.join(", ")),
            format!("values {}", values.iter().map(|value| format!("({value} + 1)")).collect::<Vec<_>>().join(", ")),
            format!(
                "select {}",
                values[..1_000].iter().map(|value| format!("{value} + 1")).collect::<Vec<_>>().join(", ")
            ),
            format!("select {}", vec!["1"; MOST_OPERATORS].join(" + ")),
            format!("select 1 where {} or 1 = 1", vec!["1 = 2"; MOST_OPERATORS / 2 - 1].join(" or ")),
            format!("select 1 {}", "union all select 1 + 1 ".repeat(MOST_OPERATORS - 2)),
        ] {
            assert!(outcome(&sql).await.is_ok_and(|rows| rows > 0), "{sql:.100}");
        }
    }

    /// Each name of WITH, or each view, reads the one before twice.
    #[tokio::test]
    async fn what_doubles_itself_is_one_sentence() {
        let names = |select: &str| {
            let more = (1..40).map(|at| format!(", a{at} as ({})", select.replace('#', &format!("a{}", at - 1))));
            format!("with a0 as (select 1 as x){} select count(*) from a39", more.collect::<String>())
        };
        for select in [
            "select * from #, # as other",
            "select one.x from # as one, # as other",
            "select x from # union all select x from #",
            "select x from # where x in (select x from #)",
            "select x + (select max(x) from #) as x from #",
            "with inner_ as (select x from #) select inner_.x from inner_ cross join inner_ as other",
        ] {
            let text = outcome(&names(select)).await.unwrap_err().to_string();
            assert!(text.contains("more than 1,000,000,000 times") && text.contains("at most 500"), "{select}: {text}");
        }
        let session = session();
        let view = |sql: String| {
            let session = session.clone();
            async move { select(&session, &sql).await }
        };
        let first = view("select 1 as x".to_owned()).await.unwrap().into_view();
        session.register_table("v0", first).unwrap();
        let mut refused = None;
        for at in 1..40 {
            let before = at - 1;
            match view(format!("select one.x from v{before} as one, v{before} as other")).await {
                Ok(frame) => drop(session.register_table(format!("v{at}"), frame.into_view()).unwrap()),
                Err(error) => {
                    refused = Some(error.to_string());
                    break;
                }
            }
        }
        assert!(refused.unwrap().contains("a plan of more than 20000 nodes"));
    }

    #[tokio::test]
    async fn what_is_read_often_and_not_without_end_runs() {
        let chain: String = (1..100).map(|at| format!(", a{at} as (select x + 1 as x from a{})", at - 1)).collect();
        let same = vec!["select x from a"; 100].join(" union all ");
        for (sql, rows) in [
            (format!("with a0 as (select 1 as x){chain} select * from a99"), 1),
            (format!("with a as (select 1 as x) {same}"), 100),
            (
                "with recursive a as (select 1 as x union all select x + 1 from a where x < 5) select * from a"
                    .to_owned(),
                5,
            ),
        ] {
            assert_eq!(outcome(&sql).await.unwrap(), rows, "{sql:.100}");
        }
    }

    #[test]
    fn operators_are_counted_where_they_stand_above_each_other() {
        for (sql, expected) in [
            ("select a, b + 1, c", 1),
            ("select a + b + c, d - e", 2),
            ("select (a + b) * (c + d + e)", 3),
            ("select a from t where x = 1 and y = 2", 3),
            ("select a from t join u on t.a = u.a join v on v.a = t.a", 4),
            ("select 'it''s + + +', \"a + b\", /* + + */ 1 -- + + +\n + 1", 1),
            ("select a from t union select b from u", 1),
            ("select count(*) from t", 1),
            ("))))((((", 0),
            ("", 0),
        ] {
            assert_eq!(operators(sql), expected, "{sql}");
        }
    }
}
