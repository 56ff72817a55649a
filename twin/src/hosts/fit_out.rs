//! Everything that is put into a host before it boots, and is on an Azure virtual machine when it first boots.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use include_dir::{Dir, DirEntry, include_dir};

use super::names::DOMAIN;
use super::{HostSpec, Link, METADATA_PORT, PROXY_PORT, TWIN_ADDRESS, commands};

static HOSTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/hosts");

/// Major number of NVIDIA's devices (Linux, admin-guide/devices.txt); this machine has no driver for it.
const NVIDIA: u32 = 195;
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
const DEADLINE: Duration = Duration::from_secs(60);

/// Users, host keys and services, made with the host's own programs. Arguments: admin user (may be empty), kind.
const INSIDE: &str = r#"
ssh-keygen -q -A
# As on the images that Azure offers, sudo keeps what /etc/environment says.
printf 'session required pam_env.so\n' >> /etc/pam.d/sudo
if [ -n "$1" ]; then
    useradd --create-home --shell /bin/bash --password '*' -- "$1"
    install -d -m 700 -o "$1" -g "$1" "/home/$1/.ssh"
    install -m 600 -o "$1" -g "$1" /dev/null "/home/$1/.ssh/authorized_keys"
    cat > "/home/$1/.ssh/authorized_keys"
    printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$1" > /etc/sudoers.d/waagent
    chmod 440 /etc/sudoers.d/waagent
fi
install -d -m 711 /var/log/ccslurm4ai-twin
install -m 622 /dev/null /var/log/ccslurm4ai-twin/commands.jsonl
case "$2" in
server)
    useradd --system --home-dir /opt/cycle_server --shell /bin/bash cycle_server
    install -d -o cycle_server -g cycle_server /opt/cycle_server/config/data
    chown -R cycle_server:cycle_server /opt/cycle_server/config
    install -d -m 700 /opt/cycle_server/work
    systemctl --quiet enable cycle_server.service
    ;;
node)
    systemctl --quiet enable jetpackd.service
    ;;
database)
    useradd --system --home-dir /var/lib/mysql --shell /usr/sbin/nologin mysql
    systemctl --quiet enable mysql.service
    ;;
esac
"#;

/// Writes all of it below `root`, the host's mounted file system.
pub fn fit_out(root: &Path, link: &Link, spec: &HostSpec) -> Result<()> {
    write(root, "etc/hostname", 0o644, &format!("{}\n", spec.name))?;
    write(root, "etc/hosts", 0o644, &format!("127.0.0.1 localhost\n{} {}\n", spec.private_ip, spec.name))?;
    write(root, "etc/machine-id", 0o444, &format!("{}\n", spec.uuid.replace('-', "").to_lowercase()))?;
    write(root, "etc/environment", 0o644, &environment())?;
    trust(root, &link.ca_pem)?;
    write(root, "etc/resolv.conf", 0o644, &format!("nameserver {TWIN_ADDRESS}\nsearch {DOMAIN}\n"))?;
    if let Some(data) = &spec.custom_data {
        fs::create_dir_all(root.join("var/lib/waagent"))?;
        write(root, "var/lib/waagent/CustomData", 0o600, data)?;
    }
    let devices: String =
        (0..spec.gpus).map(|gpu| format!("c /dev/nvidia{gpu} 0666 - - - {NVIDIA}:{gpu}\n")).collect();
    write(root, "etc/tmpfiles.d/gpus.conf", 0o644, &devices)?;
    for file in &spec.files {
        let folder = Path::new(&file.path).parent().context("a host's file without a folder")?;
        fs::create_dir_all(root.join(folder))?;
        write(root, &file.path, file.mode, &file.text)?;
    }
    extract("every", root)?;
    extract(spec.kind.name(), root)?;
    spec.players.as_deref().map_or(Ok(()), |folder| extract(folder, root))?;
    finish_inside(root, spec)
}

fn finish_inside(root: &Path, spec: &HostSpec) -> Result<()> {
    let user = spec.admin_user.as_deref().unwrap_or_default();
    let keys: String = spec.ssh_public_keys.iter().map(|key| format!("{}\n", key.trim())).collect();
    let root = root.to_string_lossy();
    let args = [&*root, "sh", "-euc", INSIDE, "sh", user, spec.kind.name()];
    commands::run("chroot", &args, &keys, DEADLINE).map(drop).context("making users and host keys")
}

/// What differs from an Azure VM for every program: the way to Azure, whom to trust, and where the metadata service
/// is (the name that Azure's own SDKs read).
fn environment() -> String {
    let proxy = format!("http://{TWIN_ADDRESS}:{PROXY_PORT}");
    let direct = format!("localhost,127.0.0.1,{TWIN_ADDRESS}");
    format!(
        "HTTPS_PROXY={proxy}\nhttps_proxy={proxy}\nNO_PROXY={direct}\nno_proxy={direct}\n\
         SSL_CERT_FILE=/{BUNDLE}\nREQUESTS_CA_BUNDLE=/{BUNDLE}\n\
         AZURE_POD_IDENTITY_AUTHORITY_HOST=http://{TWIN_ADDRESS}:{METADATA_PORT}\n"
    )
}

fn trust(root: &Path, ca_pem: &str) -> Result<()> {
    write(root, "usr/local/share/ca-certificates/ccslurm4ai-twin.crt", 0o644, ca_pem)?;
    let path = root.join(BUNDLE);
    let mut bundle = OpenOptions::new().append(true).open(&path).context("opening the host's CA bundle")?;
    bundle.write_all(ca_pem.as_bytes()).context("extending the host's CA bundle")
}

/// Lays a folder of `hosts/` over the host's file system.
fn extract(name: &str, root: &Path) -> Result<()> {
    let dir = HOSTS.get_dir(name).with_context(|| format!("the twin has no files for {name}"))?;
    extract_below(dir, name, root)
}

fn extract_below(dir: &Dir, name: &str, root: &Path) -> Result<()> {
    for entry in dir.entries() {
        let path = root.join(entry.path().strip_prefix(name)?);
        match entry {
            DirEntry::Dir(dir) => {
                fs::create_dir_all(&path)?;
                extract_below(dir, name, root)?;
            }
            DirEntry::File(file) => {
                fs::write(&path, file.contents()).with_context(|| format!("writing {}", path.display()))?;
                let mode = if file.contents().starts_with(b"#!") { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(())
}

fn write(root: &Path, path: &str, mode: u32, text: &str) -> Result<()> {
    let path = root.join(path);
    let _ = fs::remove_file(&path); // the mode below holds only for a new file
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .with_context(|| format!("making {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}
