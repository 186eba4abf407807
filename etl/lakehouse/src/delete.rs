//! Taking rows out of a table by their keys.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::prelude::{Expr, SessionContext, ident, lit};

use super::store::lake_error;
use super::write::{version, writer_properties};
use super::{Batches, Commit, Lake, TableName, Written};
use crate::error::{Error, Kind, Result};

impl Lake {
    /// Deletes the rows with these keys, in one commit; marks of earlier commits stay. No keys or no table, no commit.
    ///
    /// # Errors
    /// [`Kind::Contract`] when the key isn't an integer column or a key doesn't fit it, [`Kind::Lake`] when the delete
    /// fails; the table is then as it was.
    pub async fn delete(
        &self,
        table: &TableName,
        key: &str,
        keys: &[i64],
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let Some(state) = self.state(table).await? else { return Ok(Written::default()) };
        if keys.is_empty() {
            return Ok(Written { version: state.version, ..Written::default() });
        }
        self.claim(table).await?;
        let unfit = || Error::new(Kind::Contract, format!("{table} has no integer key {key} that holds these values"));
        let field = state.schema.field_with_name(key).map_err(|_| unfit())?;
        // Literals of the column's own type, so that file statistics can be held against them.
        let list: Vec<Expr> = match field.data_type() {
            DataType::Int64 => keys.iter().map(|key| lit(*key)).collect(),
            DataType::Int32 => {
                keys.iter().map(|key| i32::try_from(*key).map(lit).map_err(|_| unfit())).collect::<Result<_>>()?
            }
            _ => return Err(unfit()),
        };
        let delta = self.load(table).await?;
        self.admits(table, &delta, &state.schema)?;
        let commit = &commit.onto(version(&delta));
        let none = Arc::new(Batches::default());
        if let Some(written) = self.merge_files(table, &state.schema, key, (&none, keys), &delta, commit).await? {
            return Ok(written);
        }
        let (delta, metrics) = delta
            .delete()
            .with_predicate(ident(key).in_list(list, false))
            .with_session_state(Arc::new(session.state()))
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.properties())
            .await
            .map_err(|error| lake_error(table, "deleted from", error))?;
        let version = version(&delta);
        Ok(Written {
            deleted: metrics.num_deleted_rows.unwrap_or(keys.len()) as u64,
            version,
            committed: version != state.version,
            ..Written::default()
        })
    }
}
