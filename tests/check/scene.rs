//! A folder with stand-in programs, their answers, and a configuration for which all is well.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
pub const SUBSCRIPTION_NAME: &str = "research";
/// Another subscription of the tenant, which has the network's Bastion and private DNS zones.
pub const HUB: &str = "22222222-0000-0000-0000-000000000000";
const TENANT: &str = "00000000-1111-2222-3333-444444444444";
const REGION: &str = "eastus";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the sizes of the configuration need: exactly the limits of a new scene.
pub const NEEDED: [(&str, u64); 5] = [
    ("standardNDSH100v5Family", 192),
    ("standardDADSv5Family", 32),
    ("standardFSv2Family", 20),
    ("standardDSv5Family", 4),
    ("cores", 248),
];

const SIZES: [(&str, &str, u32); 4] = [
    ("Standard_ND96isr_H100_v5", "standardNDSH100v5Family", 96),
    ("Standard_D8ads_v5", "standardDADSv5Family", 8),
    ("Standard_F2s_v2", "standardFSv2Family", 2),
    ("Standard_D4s_v5", "standardDSv5Family", 4),
];

/// Those that an installation of everything needs.
const PROVIDERS: [&str; 11] = [
    "Compute",
    "Network",
    "Storage",
    "KeyVault",
    "ManagedIdentity",
    "NetApp",
    "DBforMySQL",
    "Monitor",
    "Insights",
    "Dashboard",
    "AlertsManagement",
];

/// One row of a table: a scene is made, changed by `arrange`, and checked.
pub struct Case {
    pub name: &'static str,
    pub exit: i32,
    pub arrange: Box<dyn Fn(&Scene) + Sync>,
}

/// A row.
pub fn case(name: &'static str, exit: i32, arrange: impl Fn(&Scene) + Sync + 'static) -> Case {
    Case { name, exit, arrange: Box::new(arrange) }
}

/// Checks all cases, two at a time; the exit code and what was seen of each.
pub fn run_all(cases: &[Case]) -> Vec<(i32, String)> {
    let one = |case: &Case| {
        let scene = Scene::new();
        (case.arrange)(&scene);
        scene.check()
    };
    let pairs = cases.chunks(2).flat_map(|pair| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = pair.iter().map(|case| scope.spawn(|| one(case))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a case")).collect::<Vec<_>>()
        })
    });
    pairs.collect()
}

/// An access token as Microsoft Entra makes them, of a user.
pub fn token() -> String {
    let claims =
        json!({"oid": "99999999-8888-7777-6666-555555555555", "idtyp": "user", "scp": "user_impersonation"});
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"typ": "JWT", "alg": "RS256"})), part(&claims))
}

pub struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// Everything is there, and every limit is just large enough.
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(scene.path("bin")).expect("made");
        fs::create_dir(scene.path("answers")).expect("made");
        for (name, stand_in) in
            [("az", "az"), ("ssh", "version"), ("ssh-keygen", "version"), ("python3", "version")]
        {
            symlink(Path::new(ROOT).join("tests/stand-ins").join(stand_in), scene.path("bin").join(name))
                .expect("linked");
        }
        scene.says("ssh", "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15");
        scene.says("python3", r#"{"version": [3, 11], "tag": "cpython-311", "venv": true}"#);
        scene.config("");
        scene.answers();
        scene
    }

    fn answers(&self) {
        self.version("2.90.1", Some("1.4.3"));
        self.answer_json(
            "account get-access-token",
            &json!({"accessToken": token(), "expires_on": 1, "subscription": SUBSCRIPTION,
            "tenant": TENANT, "tokenType": "Bearer"}),
        );
        let account = json!({"environmentName": "AzureCloud", "id": SUBSCRIPTION, "name": SUBSCRIPTION_NAME, "tenantId": TENANT, "state": "Enabled"});
        self.answer_json("account show", &account);
        let other = |id: &str, name: &str, tenant: &str, state: &str| json!({"id": id, "name": name, "tenantId": tenant, "state": state});
        let others = [
            other(HUB, "hub", TENANT, "Enabled"),
            other("33333333-0000-0000-0000-000000000000", "old", TENANT, "Disabled"),
            other("44444444-0000-0000-0000-000000000000", "elsewhere", "another-tenant", "Enabled"),
        ];
        self.answer_json("account list", &json!([[account].as_slice(), others.as_slice()].concat()));
        self.answer_json("locations", &recorded("locations"));
        let skus: Vec<Value> = SIZES.iter().map(|(name, family, vcpus)| sku(name, family, *vcpus)).collect();
        self.answer_json("skus", &json!({"value": skus}));
        let mut usages = recorded("usages");
        usages["value"].as_array_mut().expect("a list").retain(|item| item["name"]["value"] != "cores");
        self.answer_json("usages", &usages);
        for (name, limit) in NEEDED {
            self.usage(name, 0, limit);
        }
        for key in ["virtualMachines", "virtualMachineScaleSets", "vault"] {
            let gone = r#"{"error":{"code":"ResourceGroupNotFound","message":"Resource group 'cluster-rg' could not be found."}}"#;
            self.fails(key, 1, &format!("ERROR: Not Found({gone})"));
        }
        let providers = PROVIDERS
            .map(|name| json!({"namespace": format!("Microsoft.{name}"), "registrationState": "Registered"}));
        self.answer_json("providers", &json!({"value": providers, "nextLink": null}));
        self.permission(&json!({"actions": ["*"], "notActions": []}));
        self.images();
    }

    /// The region has the images of versions.json: the pinned version and, where it is `latest`, two.
    fn images(&self) {
        let version = |name: &str| {
            json!({"location": REGION, "name": name, "id": format!("/Subscriptions/x/Versions/{name}"),
                "properties": {"imageDeprecationStatus": {"imageState": "Active"}}})
        };
        let server = [version("8.8.0"), version(&server_version())];
        self.answer_json("cyclecloud8-gen2 versions", &json!(server));
        for sku in ["2204", "2404"] {
            let names = [format!("{sku}.9.1"), format!("{sku}.10.1")];
            self.answer_json(&format!("{sku} versions"), &json!(names.map(|name| version(&name))));
        }
    }

    /// A file or folder of the scene.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, key: &str, extension: &str) -> PathBuf {
        self.path("answers").join(format!("{key}.{extension}"))
    }

    /// `config.yaml`, with more keys.
    pub fn config(&self, more: &str) {
        let text = format!(
            "region: {REGION}\nresource_group_name: cluster-rg\nsubscription_name: {SUBSCRIPTION_NAME}\n\
             hpc_sku: Standard_ND96isr_H100_v5\nhpc_max_core_count: 192\n{more}"
        );
        fs::write(self.path("config.yaml"), text).expect("written");
    }

    /// `config.yaml` names another subscription.
    pub fn names(&self, subscription: &str) {
        let text = fs::read_to_string(self.path("config.yaml")).expect("read");
        let changed = text.replace(SUBSCRIPTION_NAME, subscription);
        fs::write(self.path("config.yaml"), changed).expect("written");
    }

    /// az answers the calls of `key` with `text`.
    pub fn answer(&self, key: &str, text: &str) {
        fs::write(self.file(key, "json"), text).expect("written");
        let _ = fs::remove_file(self.file(key, "err"));
        let _ = fs::remove_file(self.file(key, "status"));
    }

    pub fn answer_json(&self, key: &str, value: &Value) {
        self.answer(key, &value.to_string());
    }

    /// az fails on the calls of `key`.
    pub fn fails(&self, key: &str, status: i32, text: &str) {
        fs::write(self.file(key, "err"), format!("{text}\n")).expect("written");
        fs::write(self.file(key, "status"), status.to_string()).expect("written");
    }

    /// Azure says no to the calls of `key`.
    pub fn forbids(&self, key: &str) {
        let error = r#"{"error":{"code":"AuthorizationFailed","message":"The client 'c' does not have authorization to perform action 'a' over scope 's'."}}"#;
        self.fails(key, 1, &format!("ERROR: Forbidden({error})"));
    }

    /// `hang`, `kill` or `once`; see the stand-in.
    pub fn how(&self, key: &str, how: &str) {
        fs::write(self.file(key, "how"), how).expect("written");
    }

    /// What a program says of its version.
    pub fn says(&self, program: &str, text: &str) {
        fs::write(self.path("answers").join(program), format!("{text}\n")).expect("written");
    }

    /// Takes a program away.
    pub fn without(&self, program: &str) {
        fs::remove_file(self.path("bin").join(program)).expect("removed");
    }

    pub fn version(&self, az: &str, bastion: Option<&str>) {
        let extensions = bastion.map_or(json!({}), |version| json!({"bastion": version}));
        self.answer_json(
            "version",
            &json!({"azure-cli": az, "azure-cli-core": az, "extensions": extensions}),
        );
    }

    /// Changes an answer that is JSON.
    pub fn change(&self, key: &str, change: impl FnOnce(&mut Value)) {
        let text = fs::read(self.file(key, "json")).expect("an answer");
        let mut value = serde_json::from_slice(&text).expect("JSON");
        change(&mut value);
        self.answer_json(key, &value);
    }

    /// Sets a limit and what is used of it.
    pub fn usage(&self, name: &str, used: u64, limit: u64) {
        self.change("usages", |page| {
            let list = page["value"].as_array_mut().expect("a list");
            list.retain(|item| item["name"]["value"] != name);
            list.push(json!({"limit": limit, "unit": "Count", "currentValue": used, "name": {"value": name, "localizedValue": name}}));
        });
    }

    /// Changes the entry of a size.
    pub fn size(&self, name: &str, change: impl FnOnce(&mut Value)) {
        self.change("skus", |page| {
            let list = page["value"].as_array_mut().expect("a list");
            change(list.iter_mut().find(|item| item["name"] == name).expect("a size"));
        });
    }

    /// The group has these VMs.
    pub fn machines(&self, sizes: &[&str], location: &str, priority: &str) {
        let machine = |size: &&str| json!({"location": location, "properties": {"hardwareProfile": {"vmSize": size}, "priority": priority}});
        let machines: Vec<Value> = sizes.iter().map(machine).collect();
        self.answer_json("virtualMachines", &json!({"value": machines}));
        self.answer_json("virtualMachineScaleSets", &json!({"value": []}));
    }

    /// The caller's only permission.
    pub fn permission(&self, permission: &Value) {
        self.answer_json("permissions", &json!({"value": [permission]}));
    }

    /// Runs `check`: its exit code and all it wrote.
    pub fn check(&self) -> (i32, String) {
        self.run(&["check"])
    }

    pub fn run(&self, args: &[&str]) -> (i32, String) {
        self.seen(&self.command(args).output().expect("it runs"))
    }

    /// The JSON document of `check`.
    pub fn json(&self) -> Value {
        let output = self.command(&["check", "--output", "json"]).output().expect("it runs");
        serde_json::from_slice(&output.stdout).expect("one document")
    }

    /// The program with these arguments, in the scene's folder and with its programs alone.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccslurm4ai"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command
            .env("PATH", self.path("bin"))
            .env("STAND_IN_DIR", self.path("answers"))
            .env("HOME", self.folder.path());
        if self.hangs() {
            command.env("CCSLURM4AI_AZ_TIMEOUT", "5");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn hangs(&self) -> bool {
        let is_hang = |path: PathBuf| {
            path.extension().is_some_and(|end| end == "how") && fs::read(path).is_ok_and(|how| how == b"hang")
        };
        fs::read_dir(self.path("answers"))
            .expect("listed")
            .any(|entry| is_hang(entry.expect("an entry").path()))
    }

    fn seen(&self, output: &Output) -> (i32, String) {
        let text = |bytes: &[u8]| {
            let text =
                String::from_utf8_lossy(bytes).replace(&self.folder.path().display().to_string(), "[folder]");
            text.replace(&server_version(), "[version]")
        };
        let (answer, errors) = (text(&output.stdout), text(&output.stderr));
        (output.status.code().expect("an exit code"), format!("{answer}--\n{errors}"))
    }

    /// Interrupts `check` once az was called for `key`.
    pub fn interrupted_when_called(&self, key: &str) -> (i32, String) {
        let child = self.command(&["check"]).env("CCSLURM4AI_AZ_TIMEOUT", "60").spawn().expect("it runs");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.calls().iter().any(|call| call.contains(key)) {
            assert!(Instant::now() < deadline, "az was not called");
            std::thread::sleep(Duration::from_millis(20));
        }
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it runs still");
        self.seen(&child.wait_with_output().expect("it ends"))
    }

    /// The calls of az so far.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("answers").join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Processes that still have this scene in their environment, by their arguments.
    pub fn children_left(&self) -> Vec<String> {
        let mark = format!("STAND_IN_DIR={}", self.path("answers").display());
        let processes = fs::read_dir("/proc").expect("listed").filter_map(|entry| {
            let process = entry.ok()?.path();
            let environment = fs::read(process.join("environ")).ok()?;
            let arguments = fs::read(process.join("cmdline")).ok()?;
            String::from_utf8_lossy(&environment)
                .contains(&mark)
                .then(|| String::from_utf8_lossy(&arguments).replace('\0', " "))
        });
        processes.collect()
    }
}

/// What `versions.json` says.
pub fn versions() -> Value {
    let text = fs::read(Path::new(ROOT).join("bicep/versions.json")).expect("versions");
    serde_json::from_slice(&text).expect("JSON")
}

/// The version of the CycleCloud server's image.
pub fn server_version() -> String {
    versions()["cyclecloud"]["version"].as_str().expect("a version").to_owned()
}

fn recorded(name: &str) -> Value {
    let path = Path::new(ROOT).join("tests/data/azure").join(format!("{name}.json"));
    serde_json::from_slice(&fs::read(path).expect("test data")).expect("JSON")
}

/// A size in the form of a recorded one.
pub fn sku(name: &str, family: &str, vcpus: u32) -> Value {
    let page = recorded("skus");
    let mut sku = page["value"].as_array().expect("a list")[2].clone();
    sku["name"] = name.into();
    sku["family"] = family.into();
    for capability in sku["capabilities"].as_array_mut().expect("a list") {
        if capability["name"] == "vCPUs" {
            capability["value"] = vcpus.to_string().into();
        }
    }
    sku
}

/// A restriction of a size in the form of a recorded one.
pub fn restriction(kind: &str, zones: &[&str]) -> Value {
    let mut restriction = json!({"type": kind, "values": [REGION], "restrictionInfo": {"locations": [REGION]}, "reasonCode": "NotAvailableForSubscription"});
    if !zones.is_empty() {
        restriction["restrictionInfo"]["zones"] = json!(zones);
    }
    restriction
}
