//! Keyed hashes: who lacks the key can't find a value by trying.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Characters that a key has at least.
pub(super) const SHORTEST: usize = 16;
/// Bytes that SHA-256 works on at a time.
const BLOCK: usize = 64;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The key of hashed columns. It is never shown.
#[derive(Clone)]
pub struct HashKey {
    inner: Sha256,
    outer: Sha256,
}

impl HashKey {
    /// A key from the text of the environment.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when it is too short to keep anything secret.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.chars().count() < SHORTEST {
            return Err(Error::short_hash_key(super::KEY_VARIABLE, SHORTEST));
        }
        Ok(Self::from_bytes(text.as_bytes()))
    }

    /// HMAC (RFC 2104). The crate for it would turn on a feature of a crate below DataFusion, and so a second build of it.
    fn from_bytes(key: &[u8]) -> Self {
        let digest;
        let key = if key.len() > BLOCK {
            digest = Sha256::digest(key);
            digest.as_slice()
        } else {
            key
        };
        let mut block = [0_u8; BLOCK];
        for (at, byte) in block.iter_mut().zip(key) {
            *at = *byte;
        }
        let keyed = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Self { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    /// HMAC-SHA256 of a text, in lower-case hexadecimal digits.
    pub fn hash(&self, text: &str) -> String {
        let inner = self.inner.clone().chain_update(text.as_bytes()).finalize();
        let outer = self.outer.clone().chain_update(inner).finalize();
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        outer.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// Tells keys apart without telling anything of them.
    pub fn check(&self) -> String {
        self.hash("connectwise-etl: which key").chars().take(16).collect()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test cases of RFC 4231 that aren't truncated and whose data is text.
    #[test]
    fn hashes_are_hmac_sha256() {
        assert_eq!(
            HashKey::from_bytes(&[0x0b; 20]).hash("Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            HashKey::from_bytes(b"Jefe").hash("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            HashKey::from_bytes(&[0xaa; 131]).hash("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_key_is_long_and_never_shown() {
        assert_eq!(
            HashKey::new("short").unwrap_err().to_string(),
            "CW_PRIVACY_KEY is too short: it has to have at least 16 characters"
        );
        let key = HashKey::new("0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "HashKey(..)");
        assert_ne!(key.check(), HashKey::new("0123456789abcdeg").unwrap().check());
    }
}
