//! The page server: results of any length, serialized in advance and sent from memory. It is a
//! separate process, so that its work does not count as CPU time of a contender.

mod answers;
mod csv;
mod request;
mod rows;

use std::{
    collections::HashMap,
    io::{self, BufReader, IoSlice, Read as _, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

use self::{answers::Answer, request::Request, rows::Blocks};

/// Prints its port, and serves requests until its input closes.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || accept(&listener));
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// The state between requests.
#[derive(Default)]
struct Kept {
    blocks: Blocks,
    /// Whole bodies by request target.
    compressed: Mutex<HashMap<String, Arc<Vec<u8>>>>,
}

fn accept(listener: &TcpListener) {
    let kept = Arc::new(Kept::default());
    for stream in listener.incoming() {
        let kept = Arc::clone(&kept);
        std::thread::spawn(
            move || match stream.and_then(|stream| serve(stream, &kept)) {
                // A client may disconnect at any time.
                Ok(()) => {}
                Err(error) if error.kind() != io::ErrorKind::InvalidData => {}
                Err(error) => eprintln!("page server: {error}"),
            },
        );
    }
}

fn serve(stream: TcpStream, kept: &Kept) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut input)? {
        let answer = answers::answer(&request, &kept.blocks);
        std::thread::sleep(answer.latency);
        match answer.gzip && request.accepts_gzip {
            true => write_compressed(&stream, &request, &answer, kept)?,
            false => write_all(&stream, &answer.head("", answer.len()), &answer.slices())?,
        }
    }
    Ok(())
}

fn write_compressed(
    stream: &TcpStream,
    request: &Request,
    answer: &Answer,
    kept: &Kept,
) -> io::Result<()> {
    let locked = || {
        kept.compressed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    };
    let known = locked().get(&request.target).cloned();
    let body = match known {
        Some(body) => body,
        None => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            for slice in answer.slices() {
                encoder.write_all(slice)?;
            }
            let body = Arc::new(encoder.finish()?);
            locked().insert(request.target.clone(), Arc::clone(&body));
            body
        }
    };
    let head = answer.head("content-encoding: gzip\r\n", body.len());
    write_all(stream, &head, &[&body])
}

/// Writes the head and the parts of the body of a response without joining them first.
fn write_all(mut stream: &TcpStream, head: &str, body: &[&[u8]]) -> io::Result<()> {
    let mut parts = vec![IoSlice::new(head.as_bytes())];
    parts.extend(body.iter().map(|part| IoSlice::new(part)));
    let mut left = &mut parts[..];
    while !left.is_empty() {
        match stream.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a body of a known length.
fn read_body(input: &mut impl io::Read, length: usize) -> io::Result<String> {
    let mut body = String::new();
    input.take(length as u64).read_to_string(&mut body)?;
    Ok(body)
}
