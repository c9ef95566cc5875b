//! A camera in front of a clock, and the encoder behind it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Size of a picture, and pictures a second.
const SIZE: (usize, usize) = (640, 360);
const FPS: u32 = 25;
/// Pixels of a bit of the bar code across.
const BIT: usize = 20;
/// Lines of noise in the middle, which make the pictures as large as those of a real event.
const NOISE: std::ops::Range<usize> = 140..220;
/// Luma of black and white.
const LUMA: (u8, u8) = (16, 235);

/// Films the time of day and sends it by ffmpeg, until it is dropped.
pub(crate) struct Camera {
    ffmpeg: Child,
    stops: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Camera {
    /// Encodes once, and sends the same octets to all of these addresses.
    ///
    /// # Panics
    /// Where there is no ffmpeg, or nobody listens.
    pub(crate) fn start(addresses: &[String]) -> Self {
        let size = format!("{}x{}", SIZE.0, SIZE.1);
        let gop = (2 * FPS).to_string();
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-video_size", &size]);
        command.args(["-framerate", &FPS.to_string(), "-i", "pipe:0"]);
        command.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]);
        command.args(["-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast"]);
        command.args(["-tune", "zerolatency", "-threads", "1", "-pix_fmt", "yuv420p"]);
        command.args(["-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "750k"]);
        command.args(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k"]);
        command.args(["-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"]);
        command.args(["-frag_duration", "100000", "-flush_packets", "1", "pipe:1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut ffmpeg = command.spawn().expect("ffmpeg on the path");
        let (mut pictures, mut encoded) = (ffmpeg.stdin.take().unwrap(), ffmpeg.stdout.take().unwrap());
        let mut servers: Vec<TcpStream> = addresses.iter().map(|address| post(address)).collect();
        let stops = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stops);
        let films = std::thread::spawn(move || {
            let (begins, mut rng) = (Instant::now(), fastrand::Rng::with_seed(1));
            let mut picture = vec![LUMA.0; SIZE.0 * SIZE.1];
            for number in 0u32.. {
                let due = begins + Duration::from_secs(1) * number / FPS;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                draw(&mut picture, now(), &mut rng);
                // It ends when ffmpeg does.
                if stopped.load(Ordering::Relaxed) || pictures.write_all(&picture).is_err() {
                    return;
                }
            }
        });
        let sends = std::thread::spawn(move || {
            let mut octets = vec![0; 64 << 10];
            while let Ok(count @ 1..) = encoded.read(&mut octets) {
                for server in &mut servers {
                    let chunk = [format!("{count:x}\r\n").as_bytes(), &octets[..count], b"\r\n"].concat();
                    server.write_all(&chunk).expect("the server to take what the encoder sends");
                }
            }
        });
        Self { ffmpeg, stops, threads: vec![films, sends] }
    }
}

/// Begins an endless request, as encoders send (docs/live.md).
fn post(address: &str) -> TcpStream {
    let (host, path) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
    // The server listens by IPv4 alone.
    let mut server =
        TcpStream::connect(host.replace("localhost", "127.0.0.1")).expect("the server to listen");
    server.set_nodelay(true).unwrap();
    let head = format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n");
    server.write_all(head.as_bytes()).unwrap();
    server
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        let _ = self.ffmpeg.kill();
        let _ = self.ffmpeg.wait();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The lower 32 bits of the Unix time in milliseconds.
fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_millis() & u128::from(u32::MAX)) as u32
}

/// A bar code of 32 bits, the highest first, in the upper half; its inverse in the lower one; noise between
/// them.
fn draw(picture: &mut [u8], stamp: u32, rng: &mut fastrand::Rng) {
    for (y, line) in picture.chunks_exact_mut(SIZE.0).enumerate() {
        if NOISE.contains(&y) {
            rng.fill(line);
            continue;
        }
        for (bit, pixels) in line.chunks_exact_mut(BIT).enumerate() {
            let is_set = stamp >> (31 - bit) & 1 == 1;
            let is_white = is_set == (y < SIZE.1 / 2);
            pixels.fill(if is_white { LUMA.1 } else { LUMA.0 });
        }
    }
}
