//! The two ends of the demo's traffic: plain sockets, run in the namespaces.

use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::CliError;

/// Ports that the server listens on: SSH, telnet, HTTP, bulk data.
pub(super) const PORTS: [u16; 4] = [22, 23, 80, 5001];
/// The port of `PORTS` where the server sends as fast as it can.
const BULK_PORT: u16 = 5001;
/// Where UDP packets go for counting.
const UDP_PORT: u16 = 5002;

#[derive(Args)]
pub(in crate::cli) struct PeerArgs {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Listen until stdin ends
    Serve { address: std::net::IpAddr },
    /// Try one connection: prints `open`, `refused` or `no answer`
    Connect { server: SocketAddr },
    /// Receive bulk data for so many seconds: prints the bytes
    Bulk { server: std::net::IpAddr, seconds: u64 },
    /// Send small UDP packets for so many seconds: prints how many
    Udp { server: std::net::IpAddr, seconds: u64 },
}

pub(in crate::cli) fn peer(args: &PeerArgs) -> Result<(), CliError> {
    match args.role {
        Role::Serve { address } => serve(address),
        Role::Connect { server } => {
            println!("{}", connect(server));
            Ok(())
        }
        Role::Bulk { server, seconds } => receive_bulk(server, Duration::from_secs(seconds)),
        Role::Udp { server, seconds } => send_udp(server, Duration::from_secs(seconds)),
    }
    .map_err(CliError::world)
}

fn serve(address: std::net::IpAddr) -> io::Result<()> {
    let counted = UdpSocket::bind((address, UDP_PORT))?;
    std::thread::spawn(move || {
        let mut bytes = [0; 2048];
        while counted.recv(&mut bytes).is_ok() {}
    });
    for port in PORTS {
        let listener = TcpListener::bind((address, port))?;
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                std::thread::spawn(move || serve_client(port, client));
            }
        });
    }
    println!("listening");
    // The demo holds the other end of stdin: when it goes, so do we.
    io::stdin().lock().lines().for_each(drop);
    Ok(())
}

fn serve_client(port: u16, mut client: TcpStream) -> io::Result<()> {
    match port {
        22 => client.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"),
        80 => client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n"),
        BULK_PORT => {
            let bytes = vec![0x54; 128 * 1024];
            while client.write_all(&bytes).is_ok() {}
            Ok(())
        }
        _ => client.write_all(b"login: "),
    }
}

fn connect(server: SocketAddr) -> &'static str {
    let answer = TcpStream::connect_timeout(&server, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.read(&mut [0; 64])
    });
    match answer {
        Ok(_) => "open",
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => "refused",
        Err(_) => "no answer",
    }
}

fn receive_bulk(server: std::net::IpAddr, time: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&(server, BULK_PORT).into(), Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut buffer = vec![0; 256 * 1024];
    let (start, mut bytes) = (Instant::now(), 0);
    while start.elapsed() < time {
        match stream.read(&mut buffer)? {
            0 => break,
            count => bytes += count,
        }
    }
    println!("{bytes}");
    Ok(())
}

fn send_udp(server: std::net::IpAddr, time: Duration) -> io::Result<()> {
    let socket = UdpSocket::bind((if server.is_ipv4() { "0.0.0.0" } else { "::" }, 0))?;
    socket.connect((server, UDP_PORT))?;
    let (start, mut packets) = (Instant::now(), 0u64);
    while start.elapsed() < time {
        for _ in 0..64 {
            // A full queue at the sender is no failure of the demo.
            packets += u64::from(socket.send(&[0; 18]).is_ok());
        }
    }
    println!("{packets}");
    Ok(())
}
