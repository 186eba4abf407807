//! The fuzz targets of the ETL, on their corpus and changes of it. `tests/fuzz` has them for libFuzzer.

use crate::{etl, mutate};

#[test]
fn decoding_a_page() {
    mutate::feed("decoder", etl::decoder);
}

#[test]
fn reading_an_environment_file() {
    mutate::feed("dotenv", etl::dotenv);
}

#[test]
fn reading_a_configuration() {
    mutate::feed("configuration", etl::configuration);
}

#[test]
fn checking_models_of_a_project() {
    mutate::feed("models", etl::models);
}
