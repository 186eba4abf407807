//! Where a lakehouse is, as people and programs write it: a path of this machine, or the URL of a store.

use std::path::{Path, PathBuf};

use url::Url;

use crate::error::{Error, Result};

/// Schemes of the object stores that are built in.
const STORES: [&str; 9] = ["file", "abfss", "abfs", "az", "adl", "azure", "s3", "s3a", "gs"];

/// Others that people write.
const OTHERS: [&str; 6] = ["dbfs", "hdfs", "http", "https", "wasb", "wasbs"];

/// The root of a lakehouse at a path or a URL, as a URL that ends with a slash. Nothing is touched.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the text is neither.
pub fn root(location: &str) -> Result<Url> {
    let text = location.trim();
    // What follows may be a token.
    let shown = text.split(['?', '#']).next().filter(|_| scheme(text).is_some()).unwrap_or(text);
    let bad = |why: String| Error::no_location(shown, why);
    if text.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    if scheme(text).is_some() || text.starts_with("://") {
        return url(text).map_err(bad);
    }
    let first = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if text.len() > first.len() && STORES.iter().chain(&OTHERS).any(|scheme| **scheme == first) {
        return Err(bad(format!("a URL has // behind its scheme, as in {first}://")));
    }
    let path = local_path(text).map_err(bad)?;
    let path = std::path::absolute(path).map_err(|error| bad(error.to_string()))?;
    if path.is_file() {
        return Err(bad("it is a file, and has to be a folder".to_owned()));
    }
    let mut url = Url::from_directory_path(&path).map_err(|()| bad("the path can't be written as a URL".to_owned()))?;
    is_read_as_written(&url).map_err(bad)?;
    encode(&mut url);
    Ok(url)
}

/// Delta makes the name of a store from the path, in which these can't stand as they are.
fn encode(url: &mut Url) {
    let codes = [('[', "%5B"), (']', "%5D"), ('^', "%5E"), ('|', "%7C")];
    let path = codes.iter().fold(url.path().to_owned(), |path, (letter, code)| path.replace(*letter, code));
    url.set_path(&path);
}

/// The library that reads Delta logs makes URLs of the paths that a store lists without encoding their `%`
/// (`ObjectStoreStorageHandler::list_from` of `buoyant_kernel_engine`), and decodes them when it reads: it takes `%41` in a path
/// for `A`, in any store. Whatever writes takes it for what it is, so that they would meet in different folders. A store of our
/// own can't cure that: both get the same one, and what one of them has to be given back is wrong for the other.
fn is_read_as_written(url: &Url) -> Result<(), String> {
    // Decoded once, as the path of a file is.
    let mut file = Url::parse("file:///").map_err(|error| error.to_string())?;
    file.set_path(url.path());
    let Ok(path) = file.to_file_path() else { return Ok(()) };
    // Links are followed before the log is looked for.
    let is_here = url.scheme() == "file";
    let followed = path.ancestors().filter(|_| is_here).find_map(|folder| folder.canonicalize().ok());
    match followed.as_deref().and_then(code).or_else(|| code(&path)) {
        Some(code) => Err(format!(
            "the library that reads Delta logs decodes {code} in a path once too often, and would look in another folder than \
             the tables are written to: rename the folder (a link to it is followed, and doesn't help)"
        )),
        None => Ok(()),
    }
}

/// A `%` with two hexadecimal digits behind it.
fn code(path: &Path) -> Option<String> {
    let path = path.to_string_lossy();
    let mut codes = path.match_indices('%').filter_map(|(at, _)| path.get(at..at + 3));
    codes.find(|code| code.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit())).map(str::to_owned)
}

/// The scheme of a text that begins as a URL does. One letter is a drive of Windows.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (scheme.len() > 1 && scheme.bytes().all(plain) && scheme.starts_with(|letter: char| letter.is_ascii_alphabetic()))
        .then_some(scheme)
}

fn url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| error.to_string())?;
    if !STORES.contains(&url.scheme()) {
        return Err(format!("{}:// isn't built in, use a local path, abfss://, s3:// or gs://", url.scheme()));
    }
    if url.query().is_some() || url.fragment().is_some() || url.password().is_some() {
        return Err(
            "a URL holds no ?, # or password here: keys and tokens go into the variables of the store".to_owned()
        );
    }
    if url.scheme() == "file" && url.to_file_path().is_err() {
        return Err("a file:// URL has three slashes and the whole path, as in file:///data/lakehouse".to_owned());
    }
    is_read_as_written(&url)?;
    encode(&mut url);
    // What Hadoop's second client for S3 calls it.
    if url.scheme() == "s3a" && url.set_scheme("s3").is_err() {
        return Err("write it as s3://".to_owned());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A path of this machine. The shell puts the home directory in place of `~` only at the beginning of a word, and never in a
/// file, so that it is done here.
///
/// # Errors
/// Why it can't be one, as the end of a sentence.
pub fn local_path(text: &str) -> Result<PathBuf, String> {
    if text.chars().any(char::is_control) {
        return Err("it holds a line break or another control character".to_owned());
    }
    if cfg!(not(windows)) && is_of_windows(text) {
        return Err("it is a path of Windows, and this machine has no drives: write it as /folder/folder".to_owned());
    }
    let Some(rest) = text.strip_prefix('~') else { return Ok(PathBuf::from(text)) };
    let rest = match rest.strip_prefix(std::path::is_separator) {
        Some(rest) => rest,
        None if rest.is_empty() => rest,
        None => {
            return Err(format!(
                "~ stands for the home directory only before a slash: write the whole path, or ./{text} for one of that name"
            ));
        }
    };
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or("this user has no home directory to stand in place of ~: write the whole path")?;
    Ok(home.join(Path::new(rest)))
}

/// `C:\lake`, `C:/lake`, `\\server\share`, `.\lake`: names of that kind are legal on other systems, and nobody means them.
fn is_of_windows(text: &str) -> bool {
    let mut letters = text.chars();
    let drive = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.next() == Some(':')
        && letters.next().is_none_or(|letter| matches!(letter, '\\' | '/'));
    drive || ["\\\\", ".\\", "..\\", "~\\"].iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_written() {
        let folder = |name: &str| {
            let path = root(name).unwrap().to_file_path().unwrap();
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        for name in
            ["lakehouse", "100%", "%4 1", "%zz", "two words", "a#b", "a?b", "Þór 数据", "a+b&c", "x:y", "a\"b", "[a]^|"]
        {
            assert_eq!(folder(&format!("/data/{name}")), name);
            assert_eq!(folder(&format!("./{name}")), name);
        }
        assert_eq!(folder("/data/lakehouse/"), "lakehouse");
        assert_eq!(folder(" /data/lakehouse\n"), "lakehouse", "what a file leaves at the end of a line");
        assert_eq!(folder("./~"), "~");
        assert!(root("./lakehouse").unwrap().path().ends_with("/lakehouse/"));
    }

    #[test]
    fn the_home_directory_stands_in_place_of_its_sign() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(local_path("~/lake").unwrap(), home.join("lake"));
        assert_eq!(local_path("~").unwrap(), home.join(""));
        assert_eq!(local_path("a~/lake").unwrap(), Path::new("a~/lake"));
        assert!(local_path("~somebody/lake").unwrap_err().contains("./~somebody/lake"));
    }

    #[test]
    fn a_url_is_one_of_a_store_and_holds_no_secret() {
        let onelake = root("abfss://ws@onelake.dfs.fabric.microsoft.com/item/Tables").unwrap();
        assert_eq!(onelake.path(), "/item/Tables/");
        assert_eq!(root("s3a://bucket/lake").unwrap().as_str(), "s3://bucket/lake/");
        assert_eq!(root("gs://bucket").unwrap().as_str(), "gs://bucket/");
        assert_eq!(root("file:///data/my%20lake").unwrap().to_file_path().unwrap(), Path::new("/data/my lake/"));
        let table = [
            (" ", "\"\" is no place for a lakehouse: it is empty"),
            (
                "hdfs://host/x",
                "\"hdfs://host/x\" is no place for a lakehouse: hdfs:// isn't built in, use a local path, abfss://, s3:// or gs://",
            ),
            (
                "abfss:/ws@onelake/x",
                "\"abfss:/ws@onelake/x\" is no place for a lakehouse: a URL has // behind its scheme, as in abfss://",
            ),
            (
                "abfss://ws@onelake.dfs.fabric.microsoft.com/x?sig=geheim",
                "\"abfss://ws@onelake.dfs.fabric.microsoft.com/x\" is no place for a lakehouse: a URL holds no ?, # or password \
                 here: keys and tokens go into the variables of the store",
            ),
            (
                "file://data/x",
                "\"file://data/x\" is no place for a lakehouse: a file:// URL has three slashes and the whole path, as in \
                 file:///data/lakehouse",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(root(text).unwrap_err().to_string(), expected, "{text}");
        }
        let azure = "abfss://ws@onelake.dfs.fabric.microsoft.com/item/a%2541";
        for text in ["/data/%41/lake", "./%2e%2e", "file:///data/%2541", azure] {
            assert!(root(text).unwrap_err().to_string().contains("rename the folder"), "{text}");
        }
        assert!(root("://x").unwrap_err().to_string().contains("is no place for a lakehouse"));
        assert!(root("lake\nhouse").unwrap_err().to_string().contains("a line break"));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_a_path_that_is_read_as_another_is_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data%20lake")).unwrap();
        std::os::unix::fs::symlink("data%20lake", folder.path().join("lake")).unwrap();
        for place in ["lake", "lake/not/there/yet"] {
            let error = root(&folder.path().join(place).to_string_lossy()).unwrap_err().to_string();
            assert!(error.contains("decodes %20 in a path once too often"), "{error}");
        }
    }

    #[test]
    #[cfg(not(windows))]
    fn a_path_of_windows_makes_no_folder_of_that_name_elsewhere() {
        for text in ["C:\\lake", "c:/lake", "D:", "C://lake", "\\\\server\\share", ".\\lake", "..\\lake"] {
            let error = root(text).unwrap_err().to_string();
            assert!(error.contains("it is a path of Windows"), "{text}: {error}");
        }
        assert!(root("./C:\\lake").is_ok(), "who really means it can say so");
    }

    #[test]
    #[cfg(windows)]
    fn a_path_of_windows_is_one() {
        for text in ["C:\\lake", "C:/lake", "C:\\my lake\\100%"] {
            assert_eq!(root(text).unwrap().to_file_path().unwrap(), Path::new(text).join(""), "{text}");
        }
    }
}
