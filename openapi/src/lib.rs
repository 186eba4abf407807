//! The interface facts of one version of the ConnectWise PSA REST API, as texts: what the SDK is generated from and what the
//! simulator serves. They are a package, so that both find them wherever cargo puts them: in a checkout, a git dependency or a folder of
//! vendored sources.
//!
//! [`OLDER`] has versions before the pinned one, told as what the pinned one has more:
//!
//! ```json
//! {"newer": "2025.8", "version": "2025.1", "set": {"/servers": []}, "without": ["/paths/~1time~1entries~1{id}~1detach"]}
//! ```
//!
//! `set` has JSON pointers with the value that stands there in the older document, `without` pointers of what it doesn't have.

include!(concat!(env!("OUT_DIR"), "/facts.rs"));
