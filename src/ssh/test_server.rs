//! For tests: a real sshd on loopback that lets in whoever runs the test, with one key.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Identity;

/// A running sshd; ended when dropped.
pub struct TestServer {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl TestServer {
    /// Starts it with keys of its own.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host_key", "id"] {
            make_key(&folder.path().join(name));
        }
        std::fs::copy(folder.path().join("id.pub"), folder.path().join("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = run(folder.path(), port);
        Self { folder, port, child }
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A user that it lets in.
    pub fn identity(&self) -> Identity {
        Identity {
            user: user(),
            key_file: self.folder.path().join("id"),
            known_hosts: self.folder.path().join("state of \"us\" 100%h/known_hosts"),
        }
    }

    /// The home folder of whoever signs in.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Like a VM created anew: the same address, another host key.
    pub fn replace_host_key(&mut self) {
        self.end();
        for name in ["host_key", "host_key.pub"] {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        make_key(&self.folder.path().join("host_key"));
        self.child = run(self.folder.path(), self.port);
    }

    /// Lets nobody in any more.
    pub fn forget_keys(&self) {
        std::fs::write(self.folder.path().join("authorized_keys"), "").unwrap();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn make_key(file: &Path) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status().unwrap();
    assert!(status.success());
}

fn run(folder: &Path, port: u16) -> Child {
    // Only root's sshd needs it.
    let _ = std::fs::create_dir_all("/run/sshd");
    let config = folder.join("sshd_config");
    let in_folder = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSetEnv HOME={}\n\
         Subsystem sftp internal-sftp\n",
        in_folder("host_key"),
        in_folder("authorized_keys"),
        folder.display(),
    );
    std::fs::write(&config, text).unwrap();
    let sshd = PathBuf::from("/usr/sbin/sshd");
    assert!(sshd.exists(), "the tests need sshd: apt-get install openssh-server");
    let log = std::fs::File::options().create(true).append(true).open(in_folder("sshd.log")).unwrap();
    let child = Command::new(sshd)
        .args(["-D", "-e", "-f"])
        .arg(config)
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(in_folder("sshd.log")).unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}
