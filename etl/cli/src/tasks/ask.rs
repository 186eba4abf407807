//! Asking saved questions.

use connectwise_pipeline::error::Result;
use connectwise_pipeline::measures::{self, Answer, AskRequest, Catalog};

use crate::settings::Settings;

/// The measures and saved questions that there are, those of the project's `measures.toml` included.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage), one sentence, where that file isn't what it has to be.
pub async fn measures(settings: &Settings) -> Result<Catalog> {
    let catalog = Catalog::load(&settings.gold.models)?;
    if catalog.has_own() {
        measures::check(&settings.lake()?, &settings.gold, &catalog).await?;
    }
    Ok(catalog)
}

/// Asks a saved question, or a measure, by its name.
///
/// # Errors
/// As [`measures()`] and [`measures::ask`].
pub async fn ask(settings: &Settings, question: &str, request: &AskRequest) -> Result<Answer> {
    let catalog = measures(settings).await?;
    measures::ask(&settings.lake()?, &catalog.asked(question)?, request).await
}
