//! Whether a value is what ended a query: one that can't be cast, is too large for its type or can't be computed with.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use connectwise_storage::sentence::chain;
use datafusion::error::DataFusionError;

use super::Error;

/// Whether a value is what an error, or one behind it, is about. Arrow has kinds for it; of what DataFusion finds while it computes
/// it says by `Execution` that the input is why. A plan that can't be made, rows that can't be read and memory that is used up
/// have other kinds.
pub(super) fn is_of_value(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| {
        let is_known = error.downcast_ref::<Error>().is_some_and(Error::is_of_value);
        let is_of_arrow = matches!(
            error.downcast_ref(),
            Some(
                ArrowError::CastError(_)
                    | ArrowError::ParseError(_)
                    | ArrowError::ComputeError(_)
                    | ArrowError::DivideByZero
                    | ArrowError::ArithmeticOverflow(_)
                    | ArrowError::InvalidArgumentError(_)
            )
        );
        is_known || is_of_arrow || matches!(error.downcast_ref(), Some(DataFusionError::Execution(_)))
    })
}

#[cfg(test)]
mod tests {
    use connectwise_lakehouse::Lake;

    use super::*;
    use crate::error::sql_error;

    /// The error of a query, as the engine gives it.
    async fn failing(sql: &str) -> DataFusionError {
        let lake = Lake::open(&std::env::temp_dir().to_string_lossy()).unwrap();
        match lake.session().unwrap().sql(sql).await {
            Ok(frame) => frame.collect().await.unwrap_err(),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn a_value_that_ends_a_query_is_known_by_the_kind_of_error() {
        let nines = "9".repeat(38);
        let product =
            format!("select v * v from (select cast(v as decimal(38, 0)) as v from (values ('{nines}')) as t(v)) as u");
        for sql in [
            "select cast(v as int) from (values ('x')) as t(v)",
            "select cast(v as smallint) from (values (100000)) as t(v)",
            "select cast(v as date) from (values ('2026-13-01')) as t(v)",
            "select cast(v as timestamp) from (values ('x')) as t(v)",
            "select cast(cast(v as decimal(10, 2)) as decimal(4, 2)) from (values (123456)) as t(v)",
            product.as_str(),
            "select 1 / v from (values (0)) as t(v)",
        ] {
            let error = sql_error(failing(sql).await);
            assert!(error.is_of_value(), "{sql}: {error:?}");
            // However it goes on.
            assert!(Error::uncomputed_because("mine", &error).in_one().is_of_value(), "{sql}");
            let carried = DataFusionError::External(Box::new(error)).context("reading");
            assert!(Error::uncomputed("mine").with_source(carried).is_of_value(), "{sql}");
        }
        for other in [
            failing("select nothing from (values (1)) as t(v)").await,
            failing("select cast(").await,
            DataFusionError::ResourcesExhausted("no more".to_owned()),
            DataFusionError::IoError(std::io::Error::other("overflow")),
            DataFusionError::ArrowError(Box::new(ArrowError::ParquetError("Parser error".to_owned())), None),
        ] {
            let error = sql_error(other);
            assert!(!error.is_of_value(), "{error:?}");
        }
    }
}
