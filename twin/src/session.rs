//! A running twin: its folder, its proxy, its environment.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::Mode;
use tokio::runtime::Runtime;

use crate::azure::ca::Authority;
use crate::azure::scenario::{Scenario, SignIn};
use crate::azure::setup::APP;
use crate::azure::tokens::TENANT;
use crate::azure::{Azure, log, names, proxy};
use crate::hosts::{Hosts, Link, METADATA_PORT, PROXY_PORT, rootfs};
use crate::{control, extension};

/// Environment variable that names the folder of the twin a command runs in.
pub const DIR: &str = "CCSLURM4AI_TWIN_DIR";

/// File in the twin's folder with what the twin itself says.
pub const LOG: &str = "twin.log";
const CA: &str = "ca.pem";
const AZ: &str = "azure";
const EXTENSIONS: &str = "extensions";
const ENVIRONMENT: &str = "environment";
const SHUTDOWN: Duration = Duration::from_secs(1); // for requests that are being answered

/// A running twin.
pub struct Session {
    /// The simulated Azure.
    pub azure: Arc<Azure>,
    /// What a command needs to be in the twin instead of in Azure.
    pub environment: BTreeMap<String, String>,
    runtime: Runtime,
}

impl Session {
    /// Starts a twin in `dir`, which it makes for the current user alone, and signs az in.
    ///
    /// # Errors
    /// What could not be started; [`crate::hosts::requirements::Unfit`] when this machine cannot carry hosts.
    pub fn start(runtime: Runtime, dir: &Path, scenario: Scenario, with_hosts: bool) -> Result<Session> {
        let dir = private_folder(dir)?;
        let authority = Authority::new()?;
        let ca = dir.join(CA);
        std::fs::write(&ca, authority.pem()).with_context(|| format!("cannot write {}", ca.display()))?;
        let link = Link { ca_pem: authority.pem().to_owned() };
        let hosts = if with_hosts { Some(Hosts::new(&dir, &rootfs::cache_dir()?, link)?) } else { None };
        let azure = Azure::new(scenario, &dir, authority, hosts)?;
        let port = listen(&runtime, &azure)?;
        let environment = environment(&dir, &ca, port)?;
        write_environment(&dir, &environment)?;
        runtime.spawn(control::serve(control::bind(&dir)?, Arc::clone(&azure), port));
        let session = Session { azure, environment, runtime };
        session.sign_in()?;
        Ok(session)
    }

    /// The runtime that serves this twin.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Ends the twin: hosts first, whatever still works on them.
    pub fn end(self) {
        if let Some(hosts) = &self.azure.hosts
            && let Err(error) = hosts.down()
        {
            eprintln!("twin: {error:#}");
        }
        self.runtime.shutdown_timeout(SHUTDOWN);
    }

    fn sign_in(&self) -> Result<()> {
        let mut arguments = vec!["login", "--tenant", TENANT, "--output", "none"];
        let secret = self.azure.sign_in_secret();
        let file;
        match self.azure.scenario.sign_in {
            SignIn::None => return Ok(()),
            SignIn::User | SignIn::Expired => arguments.push("--use-device-code"),
            SignIn::ServicePrincipal => {
                // az reads the secret from the file: it is on no command line
                file = secret_file(&secret)?;
                let path = format!("@{}", file.path().display());
                return self.az(&[&arguments[..], &["--service-principal", "-u", APP, "-p", &path]].concat());
            }
        }
        self.az(&arguments)?;
        if self.azure.scenario.sign_in == SignIn::Expired {
            self.azure.expire_sign_ins();
        }
        Ok(())
    }

    fn az(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("az");
        command.args(arguments).envs(&self.environment).stdin(Stdio::null());
        let output = command.output().with_context(
            || "cannot run az, which the twin signs in with: install azure-cli 2.91 and put it on PATH",
        )?;
        if !output.status.success() {
            bail!("az login against the twin failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// Removes what an ended twin made in `dir`; a folder that is no twin's stays as it is.
///
/// # Errors
/// Something cannot be removed, such as the disk of a host that still runs.
pub fn clear(dir: &Path) -> Result<()> {
    if !dir.join(control::SOCKET).exists() {
        return Ok(());
    }
    let absent_is_fine = |path: PathBuf, done: std::io::Result<()>| match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    };
    for name in [AZ, EXTENSIONS] {
        absent_is_fine(dir.join(name), std::fs::remove_dir_all(dir.join(name)))?;
    }
    absent_is_fine(dir.join("hosts"), std::fs::remove_dir(dir.join("hosts")))?;
    for name in [CA, ENVIRONMENT, log::FILE, LOG, control::SOCKET] {
        absent_is_fine(dir.join(name), std::fs::remove_file(dir.join(name)))?;
    }
    Ok(())
}

fn private_folder(dir: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    rustix::fs::chmod(dir, Mode::RWXU)
        .with_context(|| format!("cannot close {} to others", dir.display()))?;
    dir.canonicalize().with_context(|| format!("cannot resolve {}", dir.display()))
}

/// Serves the proxy on a loopback port that the kernel gives, and to the hosts on their bridge.
fn listen(runtime: &Runtime, azure: &Arc<Azure>) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening the proxy's port")?;
    let port = listener.local_addr()?.port();
    runtime.spawn(told(proxy::serve(listener, Arc::clone(azure))));
    if let Some(hosts) = &azure.hosts {
        let asked = Arc::downgrade(azure);
        hosts.serve_names(move |name| names::address(&asked.upgrade()?.state(), name))?;
        runtime.spawn(told(proxy::serve(hosts.listen(PROXY_PORT)?, Arc::clone(azure))));
        runtime.spawn(told(proxy::serve_metadata(hosts.listen(METADATA_PORT)?, Arc::clone(azure))));
    }
    Ok(port)
}

async fn told(serving: impl Future<Output = Result<()>>) {
    if let Err(error) = serving.await {
        eprintln!("twin: {error:#}");
    }
}

fn secret_file(secret: &str) -> Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new().context("making a file for the sign-in secret")?;
    std::fs::write(file.path(), secret).context("writing the sign-in secret")?;
    Ok(file)
}

fn environment(dir: &Path, ca: &Path, port: u16) -> Result<BTreeMap<String, String>> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    };
    let (config, extensions) = (dir.join(AZ), dir.join(EXTENSIONS));
    private_folder(&config)?;
    extension::install(&extensions)?;
    let proxy = format!("http://127.0.0.1:{port}");
    let here = "127.0.0.1,localhost".to_owned();
    let ca = text(ca)?;
    let variables = [
        ("HTTPS_PROXY", proxy.clone()),
        ("https_proxy", proxy),
        ("NO_PROXY", here.clone()),
        ("no_proxy", here),
        ("REQUESTS_CA_BUNDLE", ca.clone()),
        ("SSL_CERT_FILE", ca),
        ("AZURE_CONFIG_DIR", text(&config)?),
        ("AZURE_EXTENSION_DIR", text(&extensions)?),
        ("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no".into()),
        ("AZURE_CORE_COLLECT_TELEMETRY", "false".into()),
        ("AZURE_CORE_SURVEY_MESSAGE", "false".into()),
        ("AZURE_CORE_LOGIN_EXPERIENCE_V2", "off".into()),
        ("AZURE_CORE_DISABLE_PROGRESS_BAR", "true".into()),
        ("AZURE_CORE_INSTANCE_DISCOVERY", "false".into()),
        ("AZURE_BICEP_USE_BINARY_FROM_PATH", "true".into()),
        ("AZURE_BICEP_CHECK_VERSION", "false".into()),
        (DIR, text(dir)?),
    ];
    Ok(variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// File that `env` prints.
pub fn environment_file(dir: &Path) -> PathBuf {
    dir.join(ENVIRONMENT)
}

fn write_environment(dir: &Path, environment: &BTreeMap<String, String>) -> Result<()> {
    let quote = |value: &str| value.replace('\'', r"'\''");
    let lines: String =
        environment.iter().map(|(name, value)| format!("export {name}='{}'\n", quote(value))).collect();
    let path = environment_file(dir);
    std::fs::write(&path, lines).with_context(|| format!("cannot write {}", path.display()))
}
