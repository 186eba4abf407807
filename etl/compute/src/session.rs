//! DataFusion sessions as this project needs them.

use std::collections::HashMap;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::DeltaSessionContext;

use crate::error::{self, Result};
use crate::memory::Memory;

/// A session whose memory is shared with every other one of the process for which nothing else is said.
///
/// # Errors
/// As [`Memory::session`], and [`Kind::Io`](connectwise_storage::error::Kind::Io) when there is no place for temporary files.
pub fn session() -> Result<SessionContext> {
    Memory::shared()?.session()
}

impl Memory {
    /// A session within this memory: names keep their case, time is UTC, text is `Utf8`, and Delta tables can be read and written.
    ///
    /// # Errors
    /// [`Kind::Sql`](connectwise_storage::error::Kind::Sql) when the session can't be configured.
    pub fn session(&self) -> Result<SessionContext> {
        let overrides: HashMap<String, String> = [
            ("datafusion.execution.time_zone", "UTC"),
            ("datafusion.execution.parquet.schema_force_view_types", "false"),
            ("datafusion.sql_parser.map_string_types_to_utf8view", "false"),
            ("datafusion.sql_parser.parse_float_as_decimal", "true"),
            ("datafusion.execution.sort_spill_reservation_bytes", &self.sort_reserve().to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let delta = DeltaSessionContext::new_with_session_overrides(&overrides)
            .map_err(|error| error::session().with_source(error))?;
        let state = SessionStateBuilder::new_from_existing(delta.state());
        Ok(SessionContext::new_with_state(state.with_runtime_env(self.environment()?).build()))
    }
}
