//! Columns whose values a privacy policy hashed: the models read NULL where a hash isn't of the column's type.

use arrow::datatypes::{DataType, SchemaRef};
use connectwise_lakehouse::TableName;
use datafusion::logical_expr::cast;
use datafusion::prelude::{SessionContext, ident, lit};
use datafusion::scalar::ScalarValue;

use super::failed;
use crate::error::{Error, Result};
use crate::silver::is_hashed;

/// Gives the session's table of a silver table the columns of its contract with their types.
pub(super) async fn fill(session: &SessionContext, table: &TableName, contract: &SchemaRef) -> Result<()> {
    let stored = session.table(table.name.as_str()).await.map_err(failed)?;
    let schema = stored.schema().inner().clone();
    let mut columns = Vec::new();
    let mut differs = false;
    for field in contract.fields() {
        let name = field.name().as_str();
        match schema.field_with_name(name) {
            Ok(stored) if is_hashed(stored) && *field.data_type() != DataType::Utf8 => {
                differs = true;
                columns.push(cast(lit(ScalarValue::Null), field.data_type().clone()).alias(name));
            }
            Ok(_) => columns.push(ident(name)),
            Err(_) => return Err(Error::no_silver_column(table, name)),
        }
    }
    if !differs {
        return Ok(());
    }
    // Columns of custom fields, which a tenant's own models may read.
    let own = schema.fields().iter().filter(|field| contract.field_with_name(field.name()).is_err());
    columns.extend(own.map(|field| ident(field.name())));
    let view = stored.select(columns).map_err(failed)?.into_view();
    session.deregister_table(table.name.as_str()).map_err(failed)?;
    session.register_table(table.name.as_str(), view).map_err(failed)?;
    Ok(())
}
