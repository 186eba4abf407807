//! Access tokens of a store. They end after an hour or so, which a first load doesn't, and so are asked for again.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;
use object_store::CredentialProvider;
use object_store::azure::AzureCredential;
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::refusal::NoToken;

/// How long before its end a token is renewed. A request that is repeated keeps the token that it began with, for three minutes at
/// most.
const MARGIN: Duration = Duration::from_secs(300);

/// No token is good for longer.
const LONGEST: Duration = Duration::from_secs(2 * 86_400);

/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An access token.
#[derive(Clone)]
pub struct Token {
    text: String,
    ends: Option<SystemTime>,
}

impl Token {
    /// A token, and when it ends. Where that isn't known, the provider is asked again every five minutes.
    pub fn new(text: impl Into<String>, ends: Option<SystemTime>) -> Self {
        Self { text: text.into(), ends }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Gives access tokens for a store.
pub trait TokenProvider: fmt::Debug + Send + Sync {
    /// A token that is good from now on. The error is shown to people, behind "no token opens the lakehouse: ".
    fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn std::error::Error + Send + Sync>>>;
}

/// The tokens of one lakehouse: the current one is kept until some minutes before its end, and one task at a time asks for the next.
pub struct Tokens {
    provider: Box<dyn TokenProvider>,
    held: Mutex<Option<Held>>,
}

/// The current token.
struct Held {
    credential: Arc<AzureCredential>,
    ends: SystemTime,
    /// When the next one is asked for.
    due: SystemTime,
}

impl Held {
    fn new(token: Token, now: SystemTime) -> Result<Self, NoToken> {
        if !is_token(&token.text) {
            return Err(NoToken("what was given is none: a token is one word".to_owned()));
        }
        // An end that far away is one in other units, and so isn't known.
        let ends = token.ends.filter(|ends| *ends <= now + LONGEST).unwrap_or(now + 2 * MARGIN);
        if ends <= now {
            let ended = DateTime::<Utc>::from(ends).to_rfc3339_opts(SecondsFormat::Secs, true);
            return Err(NoToken(format!("the one that was given ended at {ended}")));
        }
        let credential = Arc::new(AzureCredential::BearerToken(token.text));
        Ok(Self { credential, ends, due: due(now, ends) })
    }
}

/// When to ask for the token behind one that ends then. A short one is renewed after half of its time.
fn due(now: SystemTime, ends: SystemTime) -> SystemTime {
    let left = ends.duration_since(now).unwrap_or_default();
    now + left.saturating_sub(MARGIN).max(left / 2)
}

impl Tokens {
    /// Tokens of a provider, which is asked when the first one is needed.
    pub fn new(provider: impl TokenProvider + 'static) -> Self {
        Self { provider: Box::new(provider), held: Mutex::new(None) }
    }

    /// The same, with a first token that the caller has got already.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when it has ended.
    pub fn with_first(mut self, token: Token) -> Result<Self> {
        let held = Held::new(token, SystemTime::now());
        *self.held.get_mut() = Some(held.map_err(|why| Error::unusable_token(&why))?);
        Ok(self)
    }

    async fn credential(&self, now: SystemTime) -> Result<Arc<AzureCredential>, NoToken> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| now < held.due) {
            return Ok(held.credential.clone());
        }
        let asked = tokio::time::Instant::now();
        match self.fetch(now).await {
            Ok(new) => Ok(held.insert(new).credential.clone()),
            Err(why) => match held.as_mut().filter(|held| now + asked.elapsed() < held.ends) {
                // A provider that fails once gives a token later.
                Some(held) => {
                    tracing::warn!("{why}; the present one is good until {:?}", DateTime::<Utc>::from(held.ends));
                    held.due = due(now, held.ends);
                    Ok(held.credential.clone())
                }
                None => Err(why),
            },
        }
    }

    async fn fetch(&self, now: SystemTime) -> Result<Held, NoToken> {
        let told = tokio::time::timeout(PATIENCE, self.provider.token()).await;
        let told = told.map_err(|_| NoToken(format!("nothing came within {} seconds", PATIENCE.as_secs())))?;
        Held::new(told.map_err(|error| NoToken(without_tokens(&error.to_string())))?, now)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl CredentialProvider for Tokens {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        let none = |why: NoToken| object_store::Error::Unauthenticated { path: String::new(), source: Box::new(why) };
        self.credential(SystemTime::now()).await.map_err(none)
    }
}

/// Whether a request can carry this: the library of the stores panics on others.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A text without what looks like a token: JSON in Base64 begins with `eyJ`.
fn without_tokens(text: &str) -> String {
    let ends_word = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    let hide = |word: &str| match word.strip_prefix("eyJ") {
        Some(rest) if rest.len() > 20 => format!("<token>{}", word.matches(ends_word).collect::<String>()),
        _ => word.to_owned(),
    };
    text.split_inclusive(ends_word).map(hide).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::Kind;

    const SECRET: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3fQ.c2VjcmV0";

    /// Answers in turn, and how often they were asked for.
    #[derive(Default)]
    struct Script {
        answers: StdMutex<VecDeque<Result<Token, String>>>,
        asked: Arc<AtomicUsize>,
    }

    impl fmt::Debug for Script {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Script")
        }
    }

    impl TokenProvider for Script {
        fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn std::error::Error + Send + Sync>>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let answer = self.answers.lock().unwrap().pop_front().unwrap();
            Box::pin(async move {
                tokio::task::yield_now().await;
                answer.map_err(Into::into)
            })
        }
    }

    fn scripted(answers: impl IntoIterator<Item = Result<Token, String>>) -> (Tokens, Arc<AtomicUsize>) {
        let script = Script { answers: StdMutex::new(answers.into_iter().collect()), ..Script::default() };
        let asked = script.asked.clone();
        (Tokens::new(script), asked)
    }

    #[tokio::test]
    async fn what_no_request_can_carry_is_no_token() {
        for text in ["", "eyJ a", "eyJ\nx", "größe"] {
            let (tokens, _) = scripted([Ok(Token::new(text, None))]);
            let error = tokens.credential(at(0)).await.unwrap_err().to_string();
            assert_eq!(error, "no token opens the lakehouse: what was given is none: a token is one word");
        }
    }

    #[test]
    fn an_end_in_milliseconds_is_none() {
        let held = Held::new(Token::new("a", Some(at(1_800_000_000_000))), at(0)).unwrap();
        assert_eq!(held.due, at(300));
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn good(text: &str, ends: u64) -> Result<Token, String> {
        Ok(Token::new(text, Some(at(ends))))
    }

    async fn bearer(tokens: &Tokens, now: u64) -> Result<String, String> {
        match tokens.credential(at(now)).await.as_deref() {
            Ok(AzureCredential::BearerToken(text)) => Ok(text.clone()),
            Ok(other) => panic!("{other:?}"),
            Err(why) => Err(why.to_string()),
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_until_five_minutes_before_its_end() {
        let (tokens, asked) = scripted([good("first", 3_600), good("second", 7_200)]);
        for (now, expected) in [(0, "first"), (3_299, "first"), (3_300, "second"), (3_700, "second")] {
            assert_eq!(bearer(&tokens, now).await.unwrap(), expected, "{now}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_short_token_is_renewed_at_half_of_its_time_and_one_of_unknown_length_after_five_minutes() {
        let (tokens, _) =
            scripted([good("first", 8), good("second", 12), Ok(Token::new("third", None)), good("last", 900)]);
        for (now, expected) in [(0, "first"), (3, "first"), (4, "second"), (8, "third"), (307, "third"), (308, "last")]
        {
            assert_eq!(bearer(&tokens, now).await.unwrap(), expected, "{now}");
        }
    }

    #[tokio::test]
    async fn many_requests_at_once_ask_for_one_token() {
        let (tokens, asked) = scripted([good("first", 3_600)]);
        let all = futures::future::join_all((0..20).map(|_| bearer(&tokens, 0))).await;
        assert!(all.iter().all(|one| one.as_deref() == Ok("first")), "{all:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_provider_that_fails_is_asked_again_as_long_as_the_last_token_is_good() {
        let failed = || Err(format!("getToken said no of \"{SECRET}\""));
        let (tokens, _) = scripted([good("first", 600), failed(), good("second", 900), failed()]);
        assert_eq!(bearer(&tokens, 0).await.unwrap(), "first");
        assert_eq!(bearer(&tokens, 300).await.unwrap(), "first");
        assert_eq!(bearer(&tokens, 449).await.unwrap(), "first");
        assert_eq!(bearer(&tokens, 450).await.unwrap(), "second");
        let said = bearer(&tokens, 900).await.unwrap_err();
        assert_eq!(said, "no token opens the lakehouse: getToken said no of \"<token>\"");
    }

    #[tokio::test]
    async fn a_token_that_has_ended_is_none() {
        let (tokens, _) = scripted([good(SECRET, 0)]);
        let said = bearer(&tokens, 0).await.unwrap_err();
        assert_eq!(said, "no token opens the lakehouse: the one that was given ended at 2027-01-15T08:00:00Z");
        let (tokens, _) = scripted([]);
        let ended = Token::new(SECRET, Some(SystemTime::UNIX_EPOCH));
        let error = tokens.with_first(ended).unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("ended at 1970-01-01")), (Kind::Config, true));
    }

    #[tokio::test]
    async fn nothing_shows_a_token() {
        let (tokens, _) = scripted([good(SECRET, 3_600)]);
        bearer(&tokens, 0).await.unwrap();
        let shown = format!("{tokens:?} {:?}", Token::new(SECRET, None));
        assert!(!shown.contains("eyJ") && shown.contains("Script"), "{shown}");
    }
}
