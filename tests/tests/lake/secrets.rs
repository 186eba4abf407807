//! A server that echoes the credentials, and one record that breaks its page: neither the credentials nor a member's password
//! are anywhere afterwards, on the terminal or in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::util::pretty::pretty_format_batches;
use connectwise_sim::Simulator;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "Kq7ZtR2mVx9LpWd4";
const PASSWORD: &str = "hG5/bN8+yT3cJ6sQ";
const CLIENT_ID: &str = "1b9e6c1f-52a7-4f0d-9c3a-7de2b84c60aa";

/// `printf 'acme+Kq7ZtR2mVx9LpWd4:hG5/bN8+yT3cJ6sQ' | base64`
const BASIC: &str = "YWNtZStLcTdadFIybVZ4OUxwV2Q0OmhHNS9iTjgreVQzY0o2c1E=";

/// The same with one, two and three bytes in front, and the password and the key alone.
const ENCODED: [&str; 6] = [
    "eGFjbWUrS3E3WnRSMm1WeDlMcFdkNDpoRzUvYk44K3lUM2NKNnNR",
    "eHhhY21lK0txN1p0UjJtVng5THBXZDQ6aEc1L2JOOCt5VDNjSjZzUQ==",
    "aEc1L2JOOCt5VDNjSjZzUQ==",
    "eGhHNS9iTjgreVQzY0o2c1E=",
    "eHhoRzUvYk44K3lUM2NKNnNR",
    "S3E3WnRSMm1WeDlMcFdkNA==",
];

/// What no member is to read of another: in a record that isn't JSON, in one without a key, and where nobody declared it.
const PLANTED: &str = "planted-secret";

fn percent(text: &str, all: bool, lower: bool) -> String {
    let write = |byte: u8| if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() && !all { char::from(byte).into() } else { write(byte) })
        .collect()
}

/// Everything that a server can make of what it was sent, on one line.
fn echo() -> String {
    let mut texts =
        vec![format!("Authorization: Basic {BASIC}"), format!("acme+{KEY}:{PASSWORD}"), BASIC.replace('S', "S ")];
    texts.extend(ENCODED.map(str::to_owned));
    for secret in [KEY, PASSWORD, CLIENT_ID] {
        texts.push(secret.to_owned());
        texts.push(secret.to_lowercase());
        for all in [false, true] {
            texts.extend([percent(secret, all, false), percent(secret, all, true)]);
            texts.push(percent(&percent(secret, all, false), false, false));
        }
        texts.push(secret.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect());
        texts.push(secret.chars().map(|letter| format!("&#{};", u32::from(letter))).collect());
        let (left, right) = secret.split_at(secret.len() / 2);
        texts.push(format!("{left} {right}"));
    }
    texts.join(" ; ")
}

/// What may be nowhere: the credentials, their halves and their encodings.
fn wanted() -> Vec<String> {
    let mut wanted = vec![PLANTED.to_owned()];
    for secret in [KEY, PASSWORD, CLIENT_ID, BASIC] {
        let (left, right) = secret.split_at(secret.len() / 2);
        for half in [left, right] {
            wanted.push(half.to_owned());
            wanted.push(percent(half, false, false));
            wanted.push(percent(half, true, false));
            wanted.push(percent(half, true, true));
            wanted.push(half.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect());
        }
    }
    // Without what depends on the neighbours.
    wanted.extend(ENCODED.iter().map(|text| text[4..16].to_owned()));
    wanted
}

/// Fails if a text holds any of it, whatever blanks and line breaks are between.
fn search(place: &str, text: &str, wanted: &[String]) {
    let squeezed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    for wanted in wanted {
        if let Some(at) = squeezed.find(wanted.as_str()) {
            let around =
                squeezed.char_indices().filter(|(place, _)| place.abs_diff(at) < 120).map(|(_, letter)| letter);
            panic!("{place} holds {wanted}: {}", around.collect::<String>());
        }
    }
}

/// Every file below a folder, Parquet as the rows that it holds, too.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            continue;
        }
        let mut text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            // Pages are compressed, so the bytes alone prove nothing.
            if let Ok(reader) = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()) {
                let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
                text.push_str(&pretty_format_batches(&batches).unwrap().to_string());
            }
        }
        found.push((path, text));
    }
    found
}

/// A server in front of a simulator that answers some routes itself, each in another way.
struct Echo {
    address: String,
}

impl Echo {
    async fn start(simulator: &Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let behind = simulator.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let behind = behind.clone();
                tokio::spawn(async move { converse(stream, &behind).await });
            }
        });
        Self { address }
    }
}

async fn converse(mut stream: TcpStream, behind: &str) -> Option<()> {
    let mut asked = Vec::new();
    let mut piece = [0; 8192];
    let head = loop {
        let length = stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        asked.extend_from_slice(&piece[..length]);
        if let Some(at) = asked.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&asked[..head]).into_owned();
    let header = |name: &str| {
        text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)))
    };
    if let Some(answer) = own(text.split_whitespace().nth(1)?) {
        stream.write_all(&answer).await.ok()?;
        return stream.shutdown().await.ok();
    }
    let length: usize = header("content-length").and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0);
    while asked.len() < head + length {
        let length = stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        asked.extend_from_slice(&piece[..length]);
    }
    // One request a connection, so that its end is the end of the answer.
    let mut server = TcpStream::connect(behind).await.ok()?;
    let head = text.lines().filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"));
    let head: String = head.map(|line| format!("{line}\r\n")).collect();
    server.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.ok()?;
    server.write_all(&asked[text.len()..]).await.ok()?;
    tokio::io::copy(&mut server, &mut stream).await.ok()?;
    stream.shutdown().await.ok()
}

/// The answer of the routes that echo, `None` for those of the simulator.
fn own(target: &str) -> Option<Vec<u8>> {
    let echo = echo();
    let json = serde_json::to_string(&echo).unwrap();
    let path = target.split('?').next()?;
    let route = path.split_once("/apis/3.0").map_or(path, |(_, route)| route);
    let plain = "content-type: application/json\r\n".to_owned();
    let headers = format!(
        "content-type: text/plain; {echo}\r\nx-cw-request-id: {echo}\r\nlink: <{echo}>; rel=\"next\"\r\nretry-after: {echo}\r\n"
    );
    let (status, headers, body) = match route {
        // Lists come one by one, by the routes below.
        route if route.starts_with("/system/bundles") => (format!("404 {echo}"), headers, echo),
        "/service/boards" => (format!("200 {echo}"), headers, echo),
        "/service/boards/count" | "/time/entries/count" => ("200 OK".to_owned(), plain, "{\"count\":3}".to_owned()),
        "/time/entries" => ("200 OK".to_owned(), headers, format!("<html><title>{echo}</title></html>")),
        "/finance/agreements/count" => {
            (format!("400 {echo}"), headers, format!("{{\"code\":{json},\"message\":{json}}}"))
        }
        "/system/locations" | "/system/locations/count" => {
            ("403 Forbidden".to_owned(), headers, format!("<html><body><p>{echo}</p></body></html>"))
        }
        "/system/departments/count" => ("200 OK".to_owned(), headers, format!("{{\"count\":{json}}}")),
        "/company/companies/count" => ("400 Bad Request".to_owned(), headers, format!("[{{{json}:{json}}}]")),
        // A page with a value that JSON doesn't have, behind a password.
        "/system/members/count" => ("200 OK".to_owned(), plain, "{\"count\":2}".to_owned()),
        "/system/members" if target.contains("orderBy") => ("200 OK".to_owned(), plain, "[]".to_owned()),
        "/system/members" => {
            let body = format!(
                "[{{\"id\":1,\"password\":\"{PLANTED}-1\"}},{{\"id\":2,\"password\":\"{PLANTED}-2\",\"hourlyRate\":NaN,\"token\":\"{PLANTED}-3\"}}]"
            );
            ("200 OK".to_owned(), plain, body)
        }
        // Records that can't be rows, and one whose secrets nobody declared.
        "/company/contacts/count" => ("200 OK".to_owned(), plain, "{\"count\":2}".to_owned()),
        "/company/contacts" if target.contains("orderBy") => ("200 OK".to_owned(), plain, "[]".to_owned()),
        "/company/contacts" => {
            let body = format!(
                "[{{\"firstName\":\"Anna\",\"portalPassword\":\"{PLANTED}-4\"}},\"{PLANTED}-5\",\
                  {{\"a\":{{\"password\":\"{PLANTED}-6\"}},\"a\":1}},\
                  {{\"id\":7,\"firstName\":\"Bo\",\"portalPassword\":\"{PLANTED}-7\",\"apiKey\":\"{PLANTED}-8\"}}]"
            );
            ("200 OK".to_owned(), format!("{plain}link: \r\n"), body)
        }
        // What a server sends is data, and in its table as it came; what is told of it isn't.
        "/time/workTypes/count" => ("200 OK".to_owned(), plain, "{\"count\":1}".to_owned()),
        "/time/workTypes" => {
            ("200 OK".to_owned(), format!("{plain}link: \r\n"), format!("[{{\"id\":1,\"name\":\"Work\",{json}:1}}]"))
        }
        _ => return None,
    };
    Some(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_passwords_are_nowhere_after_an_echo() {
    let simulator =
        Simulator::builder().seed(5).scale(200).credentials(format!("acme+{KEY}"), PASSWORD).start().await.unwrap();
    let server = Echo::start(&simulator).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("connectwise-etl.toml"), "[privacy]\nsecrets = \"nowhere\"\n").unwrap();
    let base = simulator.base_url().replace(simulator.url().trim_end_matches('/'), &server.address);
    let (wanted, mut places, mut shown) = (wanted(), 0, String::new());
    const ENTITIES: &str =
        "Board,TimeEntry,Agreement,Location,Department,Company,Member,Contact,AgreementType,WorkType";
    let run = ["run", "--full", "--layers", "bronze", "--entities", ENTITIES];
    let commands: [(&[&str], &str); 19] = [
        (&run, ""),
        (&run, "-v"),
        (&run, "-vv"),
        (&run, "--json"),
        (&["doctor"], "-vv"),
        (&["doctor"], "--json"),
        (&["reconcile", "--entities", "Agreement"], "-vv"),
        (&["extract", "/service/boards"], "-vv"),
        (&["extract", "/time/entries"], "--json"),
        (&["extract", "/system/members", "--format", "csv", "--output", "members.csv"], "-vv"),
        (&["extract", "/system/locations"], ""),
        (&["status"], ""),
        (&["status"], "--json"),
        (&["status", "--run", "last"], ""),
        (&["drift"], "--json"),
        (&["query", "select * from etl_steps"], ""),
        (&["query", "select * from etl_runs"], "--json"),
        (&["query", "select * from bronze_cw_quarantine"], "--json"),
        (&["report", "--output", "report.html"], "-vv"),
    ];
    for (arguments, how) in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etl-under-test"));
        command.env_clear().current_dir(folder.path()).args(arguments).args(Some(how).filter(|how| !how.is_empty()));
        command.env("CW_BASE_URL", &base).env("CW_AUTH_USERNAME", format!("acme+{KEY}"));
        command.env("CW_AUTH_PASSWORD", PASSWORD).env("CW_CLIENTID", CLIENT_ID);
        if how == "-vv" && arguments[0] == "doctor" {
            command.env("RUST_LOG", "trace");
        }
        let output = tokio::task::block_in_place(|| command.output().unwrap());
        for (stream, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            search(&format!("{arguments:?} {how}: {stream}"), &text, &wanted);
            places += 1;
            shown.push_str(&text);
        }
    }
    let files = files(folder.path());
    for (path, text) in files.iter().filter(|(path, _)| !path.to_string_lossy().contains("bronze_cw_worktype")) {
        search(&path.display().to_string(), text, &wanted);
    }
    places += files.len();
    assert!(places >= 38 + 20, "{places}");

    // It was there to be found: the echo came, the places are named, and what is no secret is kept.
    assert!(shown.contains("[redacted]"), "{shown}");
    assert!(shown.contains("the keys of GET /system/members don't advance"), "its first page was read: {shown}");
    let has = |name: &str, text: &str| {
        files.iter().any(|(path, held)| path.to_string_lossy().contains(name) && held.contains(text))
    };
    assert!(has("etl_steps", "[redacted]") || has("etl", "[redacted]"), "the ledger");
    assert!(has("bronze_cw_quarantine", "Anna") && has("bronze_cw_quarantine", "withheld"), "the quarantine");
    assert!(has("report.html", "<html"), "the report");
    assert!(has("bronze_cw_worktype", KEY) && has("etl_drift", "[redacted]"), "the name of a property");
}
