//! Where a result goes: standard output, a device or a pipe as it comes, or a file that is there as a whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use connectwise_pipeline::error::{Error, Result};
use tempfile::NamedTempFile;

use super::output::Output;
use crate::error;

/// Links that may lead to a target that isn't there yet: as many as the kernel follows.
const MOST_LINKS: usize = 40;
/// Names of standard output.
const STANDARD_OUTPUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// An opened target. Without [`finish`](Self::finish) a file is left as it was before.
pub(crate) struct Target {
    sink: Destination,
    name: String,
}

enum Destination {
    Straight(BufWriter<Stream>),
    /// A new file under a random name beside `place`, which takes its place in the end.
    File {
        part: BufWriter<NamedTempFile>,
        place: PathBuf,
    },
}

/// What takes bytes as they come.
struct Stream {
    to: To,
    /// Whether its reader has seen enough. What comes after that goes nowhere.
    gone: bool,
}

enum To {
    Output(Output),
    File(File),
}

impl Target {
    /// Opens what `path` names, or standard output without one, before anything else is done. It waits where a named pipe has no
    /// reader yet.
    ///
    /// # Errors
    /// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) when nothing can be written there.
    pub(crate) async fn open(path: Option<&Path>, output: &Output) -> Result<Self> {
        let Some(path) = path.filter(|path| !STANDARD_OUTPUT.iter().any(|name| *path == Path::new(name))) else {
            let sink = Destination::straight(To::Output(*output));
            return Ok(Self { sink, name: "standard output".to_owned() });
        };
        let name = path.display().to_string();
        let path = path.to_owned();
        // Opening may wait for long, and Ctrl-C has to be heard meanwhile.
        let opened = tokio::task::spawn_blocking(move || Destination::open(&path)).await;
        match opened.unwrap_or_else(|lost| Err(io::Error::other(lost))) {
            Ok(sink) => Ok(Self { sink, name }),
            Err(error) => Err(error::unopened(&name).with_source(error)),
        }
    }

    /// Whether somebody still takes what is written.
    pub(crate) fn is_read(&self) -> bool {
        match &self.sink {
            Destination::Straight(stream) => !stream.get_ref().gone,
            Destination::File { .. } => true,
        }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Hands on what was written so far, where somebody may wait for it.
    pub(crate) fn pass_on(&mut self) -> Result<()> {
        match &mut self.sink {
            Destination::Straight(stream) => stream.flush().map_err(|error| disk(&self.name, error)),
            Destination::File { .. } => Ok(()),
        }
    }

    /// Ends the result: a file gets its name now.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { sink, name } = self;
        sink.finish().map_err(|error| disk(&name, error))
    }
}

impl Destination {
    fn straight(to: To) -> Self {
        Self::Straight(BufWriter::with_capacity(1 << 16, Stream { to, gone: false }))
    }

    fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a file"));
        }
        let folder = || io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: name a file in it");
        let (place, is_special) = follow(path)?;
        let found = match std::fs::metadata(&place) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match found {
            Some(found) if found.is_dir() => return Err(folder()),
            // `new/` names a folder, too.
            None if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Err(folder()),
            Some(found) if is_special || !found.is_file() => {
                return OpenOptions::new().append(true).open(&place).map(|file| Self::straight(To::File(file)));
            }
            // Nothing is created below /dev and /proc: such a file would be in memory, or nowhere.
            None if is_special => return Err(io::ErrorKind::NotFound.into()),
            _ => {}
        }
        if found.is_some() {
            // A file that may not be written isn't replaced by another one either.
            OpenOptions::new().append(true).open(&place)?;
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".connectwise-etl-").suffix(".part");
        #[cfg(unix)]
        let builder = {
            use std::os::unix::fs::PermissionsExt as _;
            // As every new file, less what the process's mask takes away.
            builder.permissions(std::fs::Permissions::from_mode(0o666))
        };
        let beside = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !beside.is_dir() {
            let missing = format!("there is no folder {}", beside.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, missing));
        }
        // Without the random name, which would tell nobody anything.
        let part = builder.tempfile_in(beside).map_err(|error| io::Error::from(error.kind()))?;
        if let Some(found) = found {
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt as _, fchown};
                // Only root may give a file away: whoever could read the old one would have lost it.
                fchown(part.as_file(), Some(found.uid()), Some(found.gid())).ok();
            }
            part.as_file().set_permissions(found.permissions())?;
        }
        Ok(Self::File { part: BufWriter::with_capacity(1 << 16, part), place })
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Straight(mut stream) => stream.flush(),
            Self::File { part, place } => {
                let part = part.into_inner().map_err(io::IntoInnerError::into_error)?;
                // Its name must not stand for less than was written, not after a power failure either.
                part.as_file().sync_all()?;
                part.persist(&place).map(|_| ()).map_err(|error| error.error)
            }
        }
    }
}

/// The place that a path leads to, there or not, and whether it is one of the system's own: a device, or an open file of a
/// process, whose link names a file that somebody else goes on writing.
fn follow(path: &Path) -> io::Result<(PathBuf, bool)> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        if is_of_the_system(&place) {
            return Ok((place, true));
        }
        match std::fs::read_link(&place) {
            Ok(next) => {
                let folder = place.parent().unwrap_or(Path::new(""));
                place = folder.join(next);
            }
            // No link: a file, or nothing yet.
            Err(_) => return Ok((place, false)),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links lead round in a circle"))
}

fn is_of_the_system(place: &Path) -> bool {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize().is_ok_and(|folder| {
        (folder.starts_with("/dev") && !folder.starts_with("/dev/shm")) || folder.starts_with("/proc")
    })
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Destination::Straight(stream) => stream.write(bytes),
            Destination::File { part, .. } => part.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Destination::Straight(stream) => stream.flush(),
            Destination::File { part, .. } => part.flush(),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let written = match &mut self.to {
            To::Output(output) => output.pass(bytes),
            To::File(file) => match file.write_all(bytes) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                written => written.map(|()| true),
            },
        };
        self.gone = !written?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What went wrong while something was written to `name`.
pub(crate) fn disk(name: &str, error: io::Error) -> Error {
    error::unwritten(name).with_source(error)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut sink = Destination::open(path)?;
        match &mut sink {
            Destination::Straight(stream) => stream.write_all(text.as_bytes())?,
            Destination::File { part, .. } => part.write_all(text.as_bytes())?,
        }
        sink.finish()
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn an_existing_file_keeps_its_mode_and_a_file_called_part_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.csv");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::fs::write(folder.path().join("out.csv.part"), "mine").unwrap();
        // Only root may give a file away.
        let given = std::os::unix::fs::chown(&file, Some(12_345), Some(12_345)).is_ok();
        write(&file, "new").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().uid() == 12_345, given);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_to_string(folder.path().join("out.csv.part")).unwrap(), "mine");
        assert_eq!(names(folder.path()), ["out.csv", "out.csv.part"]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.csv");
        std::fs::write(&file, "old").unwrap();
        let sink = Destination::open(&file).unwrap();
        assert_eq!(names(folder.path()).len(), 2, "it is written beside its place");
        drop(sink);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_link_stays_and_its_target_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("data/real.csv"), "old").unwrap();
        for (link, target) in
            [("there.csv", "data/real.csv"), ("dangling.csv", "data/new.csv"), ("twice.csv", "there.csv")]
        {
            let link = folder.path().join(link);
            symlink(target, &link).unwrap();
            write(&link, link.to_str().unwrap()).unwrap();
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink(), "{target}");
            assert_eq!(std::fs::read_to_string(folder.path().join(target)).unwrap(), link.to_str().unwrap());
        }
        assert_eq!(names(&folder.path().join("data")), ["new.csv", "real.csv"]);
    }

    #[test]
    fn what_is_no_regular_file_is_written_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read_to_string(pipe).unwrap()
        });
        write(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert_eq!(names(folder.path()), ["pipe"]);

        let link = folder.path().join("null");
        symlink("/dev/null", &link).unwrap();
        for null in [link.as_path(), Path::new("/dev/null"), Path::new("/dev/../dev/null")] {
            let before = std::fs::metadata(null).unwrap().permissions();
            write(null, "away").unwrap();
            assert!(!std::fs::metadata(null).unwrap().is_file());
            assert_eq!(std::fs::metadata(null).unwrap().permissions(), before);
        }
        assert!(write(Path::new("/dev/full"), "x").is_err());
        assert!(write(Path::new("/dev/no-such-device"), "x").is_err());
    }

    #[test]
    fn what_cannot_be_written_is_refused_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        symlink("folder", folder.path().join("link")).unwrap();
        let before = names(folder.path());
        for (name, why) in [
            ("folder", "it is a folder"),
            ("link", "it is a folder"),
            ("folder/", "it is a folder"),
            ("new/", "it is a folder"),
            ("missing/out.csv", "there is no folder"),
            ("a", "circle"),
        ] {
            let error = write(&folder.path().join(name), "x").unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
        assert!(write(Path::new(""), "x").is_err());
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_one_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("out.csv"), "old").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
        // Root may write everywhere.
        if std::fs::write(folder.path().join("probe"), "").is_err() {
            for name in ["out.csv", "new.csv"] {
                let error = write(&folder.path().join(name), "x").unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}");
            }
            assert_eq!(std::fs::read_to_string(folder.path().join("out.csv")).unwrap(), "old");
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
