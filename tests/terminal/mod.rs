//! A terminal on which a program asks and a test answers.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longer than anything here takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A program on a terminal of its own.
pub struct Terminal {
    /// The program.
    pub child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    read_up_to: usize,
}

impl Terminal {
    /// Starts the program.
    pub fn start(command: &mut Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("text");
        let end = || File::options().read(true).write(true).open(&name).expect("its other end");
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("it runs");
        // The command keeps its ends of the terminal: it would never be over.
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let screen = Arc::new(Mutex::new(String::new()));
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().expect("cloned");
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // An error is how a terminal tells that nobody is left on it.
            while let Ok(count @ 1..) = output.read(&mut piece) {
                shared.lock().expect("unharmed").push_str(&String::from_utf8_lossy(&piece[..count]));
            }
        });
        Self { child, keyboard, screen, read_up_to: 0 }
    }

    /// Waits until `prompt` appears after all that was waited for so far; what was to be seen until then.
    pub fn wait_for(&mut self, prompt: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let screen = self.screen.lock().expect("unharmed").clone();
            if let Some(at) = screen[self.read_up_to..].find(prompt) {
                self.read_up_to += at + prompt.len();
                return screen;
            }
            assert!(Instant::now() < deadline, "`{prompt}` was not asked: {screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types `line` once `prompt` is there.
    pub fn answer(&mut self, prompt: &str, line: &str) {
        self.wait_for(prompt);
        self.press(&format!("{line}\n"));
    }

    /// Types some keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
    }

    /// The exit code, and all that was to be seen but for colours and what a spinner drew.
    pub fn finish(mut self) -> (i32, String) {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it ran") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it did not end: {}", self.screen.lock().expect("unharmed"));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        std::thread::sleep(Duration::from_millis(100)); // for what is still on its way to the screen
        let escapes = regex::Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").expect("a pattern");
        let screen = escapes.replace_all(&self.screen.lock().expect("unharmed"), "").replace("\r\n", "\n");
        let lines = screen.lines().map(|line| line.rsplit('\r').next().unwrap_or_default());
        let seen = lines.fold(String::new(), |seen, line| seen + line + "\n");
        (status.code().expect("an exit code"), seen)
    }
}
