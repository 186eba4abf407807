//! Calls that ask for what can't be done. Nothing was touched.

use std::fmt::Display;

use connectwise_pipeline::error::Error;

/// Parquet in a terminal or a pipe.
pub(crate) fn parquet_to_stdout() -> Error {
    Error::usage("Parquet can't go to standard output: give a file with --output")
}

/// An option of CSV for another format.
pub(crate) fn spreadsheet_without_csv() -> Error {
    Error::usage("--spreadsheet-safe is about CSV: add --format csv, or leave it out")
}

/// Options of a question without the question.
pub(crate) fn no_question() -> Error {
    Error::usage("no question is asked: name one before its options, or leave them out to see all questions")
}

/// A text that is no id of a quarantined record.
pub(crate) fn no_quarantine_id(text: &str) -> Error {
    Error::usage(format!("{text:?} is no id of a record in quarantine, which is a whole number"))
}

/// A report on a lakehouse that no run has written to.
pub(crate) fn no_run_yet(lakehouse: impl Display) -> Error {
    Error::usage(format!("no run has written to {lakehouse} yet: start with connectwise-etl run"))
}

/// A name for which lineage was asked and that no silver or gold table has.
pub(crate) fn no_lineage(table: &str, gold: &[&str]) -> Error {
    let gold = gold.join(", ");
    Error::usage(format!(
        "there is no silver or gold table {table:?}: silver tables are called silver_cw_<entity>, the gold tables are {gold}"
    ))
}

/// A name that no gold table has.
pub(crate) fn unknown_gold_table(name: &str, advice: &str) -> Error {
    Error::usage(format!("there is no gold table {name:?}: {advice}"))
}

/// A name that no table of the ledger has.
pub(crate) fn unknown_ledger_table(name: &str, known: &str) -> Error {
    Error::usage(format!("there is no table {name:?} of the ledger: the tables are {known}"))
}

/// A name that no layer has.
pub(crate) fn unknown_layer(name: &str) -> Error {
    Error::usage(format!("there is no layer {name:?}: the layers are bronze, silver, gold and etl"))
}

/// A run of no layer.
pub(crate) fn no_layer() -> Error {
    Error::usage("no layer is named: the layers are bronze, silver and gold")
}

/// Two ways at once to say what is loaded.
pub(crate) fn names_and_patterns() -> Error {
    Error::usage("entities names what is loaded one by one: leave out include and exclude, or entities")
}

/// A full run of some changes.
pub(crate) fn full_with_window() -> Error {
    Error::usage("a full run reads everything: leave out since and lookback_days, or run incrementally")
}

/// A share of rows that is no share.
pub(crate) fn max_share() -> Error {
    Error::usage("max_share is between 0 and 100")
}

/// A tenant that is adopted without its rows.
pub(crate) fn adopt_without_bronze() -> Error {
    Error::usage("--adopt-tenant reads all of bronze again, so bronze has to be among the --layers")
}

/// A tenant of whose rows some only would be read.
pub(crate) fn adopt_in_part() -> Error {
    Error::usage("adopting a tenant reads every table in full: leave out entities, since and lookback_days")
}

/// A reconcile of entities that are compared by every load.
pub(crate) fn only_snapshots() -> Error {
    Error::usage("a snapshot needs no reconcile: every load compares all of it")
}

/// An address that is no list of the API.
pub(crate) fn no_list(address: &str, why: &str) -> Error {
    Error::usage(format!("{address:?} is no list: {why}"))
}

/// An address that holds a user or a password, which isn't shown.
pub(crate) fn credentials_in_address() -> Error {
    Error::usage("a list's URL holds no credentials: leave out what stands before @")
}

/// An address of another server than the credentials are for.
pub(crate) fn other_server(named: &str, configured: &str) -> Error {
    Error::usage(format!(
        "the URL names the server {named}, and the configured one is {configured}: give the path alone, or configure the other server"
    ))
}

/// A parameter behind `?` that isn't UTF-8.
pub(crate) fn undecodable_parameter(name: &str) -> Error {
    Error::usage(format!("{name} behind ? isn't UTF-8 when it is decoded"))
}

/// A page size that servers don't have.
pub(crate) fn page_size(found: &str, most: u32) -> Error {
    Error::usage(format!("pageSize is 1 to {most}, and not {found:?}"))
}

/// A parameter that says which page.
pub(crate) fn chosen_page(name: &str) -> Error {
    Error::usage(format!(
        "{name} can't be chosen, as extract reads every page: leave it out, or say with --limit how many records"
    ))
}

/// A client id in an address.
pub(crate) fn client_id_in_address() -> Error {
    Error::usage("clientId is no parameter here: it comes from CW_CLIENTID")
}

/// A parameter that no list has.
pub(crate) fn unknown_parameter(name: &str, advice: &str) -> Error {
    Error::usage(format!("no list has the parameter {name:?}: {advice}"))
}

/// A parameter that is there twice behind `?`.
pub(crate) fn repeated_parameter(name: &str) -> Error {
    Error::usage(format!("{name} is there twice behind ?: put both into one"))
}

/// A parameter behind `?` and as a flag, with two values.
pub(crate) fn contradicted_parameter(name: &str, address: &str, flag: &str) -> Error {
    Error::usage(format!(
        "the {name} is there twice, {address:?} behind ? and {flag:?} as a flag: leave one of them out"
    ))
}
