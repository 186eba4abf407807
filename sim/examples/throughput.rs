//! Lists all time entries through forward-only paging on one core, and says how fast and in how much memory.
//! `cargo run --release -p connectwise-sim --example throughput -- 1000000`

use std::io::Write;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn main() -> std::io::Result<()> {
    let scale = std::env::args().nth(1).and_then(|scale| scale.parse().ok()).unwrap_or(1_000_000);
    // One thread for the server and its client; pages are made on another while this one waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    runtime.block_on(run(scale))
}

async fn run(scale: u64) -> std::io::Result<()> {
    let failed = |error: connectwise_sim::Error| std::io::Error::other(error);
    let simulator = connectwise_sim::Simulator::builder().scale(scale).start().await.map_err(failed)?;
    let mut stream = TcpStream::connect(("127.0.0.1", simulator.port())).await?;
    let (started, mut bytes, mut pages, mut after) = (Instant::now(), 0usize, 0u64, 0i64);
    let mut buffer = Vec::with_capacity(4 << 20);
    loop {
        let request = format!(
            "GET /v4_6_release/apis/3.0/time/entries?pageSize=1000&pageId={after} HTTP/1.1\r\nHost: x\r\nclientId: x\r\n\
             pagination-type: forward-only\r\nAuthorization: Basic c2ltY28rcHVibGljOnByaXZhdGU=\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let Some((body, next)) = read(&mut stream, &mut buffer).await? else { break };
        bytes += body;
        pages += 1;
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{scale} time entries, {pages} pages, {bytes} bytes in {seconds:.2} s: {:.1} MB/s; peak memory {} kB, {:.2} s of processor",
        bytes as f64 / 1e6 / seconds,
        status("VmHWM"),
        processor_seconds()
    )
}

/// Reads an answer; its length and the next `pageId`.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<(usize, Option<i64>)>> {
    buffer.clear();
    let head = loop {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
    let length = header("content-length: ").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < head + 4 + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let next = header("link: ").and_then(|link| {
        let (_, rest) = link.split_once("pageid=")?;
        rest.split('>').next()?.parse().ok()
    });
    Ok(Some((length, next)))
}

fn status(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.chars().filter(char::is_ascii_digit).collect()
}

/// User and system time of this process, where there is a /proc.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = [11, 12].into_iter().filter_map(|at| fields.get(at)?.parse::<f64>().ok()).sum::<f64>();
    ticks / 100.0
}
