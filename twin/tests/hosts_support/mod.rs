//! A simulated Azure with real hosts and a CycleCloud server on which a cluster can be started. Needs root.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

use std::path::Path;
use std::time::{Duration, Instant};

use ccslurm4ai_twin::azure::http::{Request, pairs};
use ccslurm4ai_twin::azure::scenario::Scenario;
use ccslurm4ai_twin::azure::setup::APP_OBJECT;
use ccslurm4ai_twin::azure::tokens;
use ccslurm4ai_twin::hosts;
use ccslurm4ai_twin::session::Session;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";
/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The host of the CycleCloud server.
pub const SERVER: &str = "cycleserver";
/// The accounting database by its public name.
pub const DATABASE: &str = "twin-mysql.mysql.database.azure.com";
/// Its host.
pub const DATABASE_HOST: &str = "twin-mysql";
/// Password of its administrator, with the signs that ours has: Slurm takes what follows a `#` for a comment.
pub const PASSWORD: &str = "Hidden-_.~Value1";

/// Runs a shell script as root on a host: its exit status and everything it printed.
pub fn sh(dir: &Path, host: &str, script: &str) -> (i32, String) {
    let argv = ["sh", "-c", &format!("{{ {script}\n}} 2>&1")].map(str::to_owned);
    let output = hosts::exec(dir, host, &argv).unwrap().output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a script prints that succeeds.
pub fn ok(dir: &Path, host: &str, script: &str) -> String {
    let (status, output) = sh(dir, host, script);
    assert_eq!(status, 0, "{host}: {script}: {output}");
    output
}

/// A script that fails and says why.
pub fn refused(dir: &Path, host: &str, script: &str, why: &str) {
    let (status, output) = sh(dir, host, script);
    assert!(status != 0 && output.contains(why), "{host}: {script}: status {status}: {output}");
}

/// Id of a resource `Type/name/…` in the group.
pub fn id(typed: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/{typed}")
}

/// A running twin.
pub struct Cloud {
    session: Option<Session>,
    dir: TempDir,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.end();
        }
    }
}

impl Cloud {
    /// A twin with network, locker and CycleCloud server; `scenario` is YAML.
    pub fn up(scenario: &str) -> Cloud {
        let dir = tempfile::tempdir().unwrap();
        let scenario = Scenario::parse(&format!("sign_in: none\nrole_delay: 0\n{scenario}")).unwrap();
        let session = Session::start(Runtime::new().unwrap(), dir.path(), scenario, true).unwrap();
        let cloud = Cloud { session: Some(session), dir };
        cloud.infrastructure();
        cloud.cyclecloud();
        cloud
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn ok(&self, host: &str, script: &str) -> String {
        ok(self.dir(), host, script)
    }

    pub fn refused(&self, host: &str, script: &str, why: &str) {
        refused(self.dir(), host, script, why);
    }

    /// As a user, in a login shell.
    pub fn as_user(&self, user: &str, host: &str, script: &str) -> String {
        self.ok(host, &format!("su - {user} <<'EOF'\n{script}\nEOF"))
    }

    /// Waits until a script prints the text.
    pub fn until(&self, host: &str, script: &str, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, output) = sh(self.dir(), host, script);
            if output.contains(wanted) {
                return;
            }
            assert!(Instant::now() < end, "{host}: {script} never says {wanted}: {output}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The end of every log that may tell what went wrong.
    fn logs(&self) -> String {
        let hosts = std::fs::read_dir(self.dir().join("hosts")).unwrap().flatten();
        let names =
            hosts.map(|host| host.file_name().into_string().unwrap()).filter(|name| !name.starts_with('.'));
        let script =
            "tail -n 8 /opt/cycle/jetpack/logs/jetpack.log /var/log/slurmctld/*.log /var/log/slurmd/*.log";
        names.map(|name| format!("== {name}\n{}", sh(self.dir(), &name, script).1)).collect()
    }

    /// Asks ARM as the owner.
    pub fn arm(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let session = self.session.as_ref().unwrap();
        let principal = session.azure.state().principals[APP_OBJECT].clone();
        let token = session.azure.tokens().issue(&principal, tokens::ARM, 3600);
        let (path, query) = path.split_once('?').unwrap();
        let request = Request {
            method: method.to_owned(),
            host: "management.azure.com".to_owned(),
            path: path.to_owned(),
            query: pairs(query),
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            peer: [127, 0, 0, 1].into(),
        };
        let reply = session.runtime().block_on(session.azure.answer(request));
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    /// Writes a resource `Type/name/…` and waits until it is there.
    pub fn put(&self, typed: &str, version: &str, body: Value) -> Value {
        let path = format!("{}?api-version={version}", id(typed));
        let (status, answer) = self.arm("PUT", &path, Some(body));
        assert!(status < 300, "{typed}: {status}: {answer}");
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, resource) = self.arm("GET", &path, None);
            match resource["properties"]["provisioningState"].as_str() {
                Some("Creating") if Instant::now() < end => std::thread::sleep(Duration::from_millis(100)),
                Some("Succeeded") | None => return resource,
                state => panic!("{typed}: {state:?}: {resource}"),
            }
        }
    }

    /// Role of a principal at the group, by the role's guid.
    fn assign(&self, number: u8, role: &str, principal: &Value, scope: &str) {
        let name = format!("00000000-0000-4000-8000-0000000000{number:02}");
        let path = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
        );
        let definition = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let body = json!({"properties": {"roleDefinitionId": definition, "principalId": principal,
            "principalType": "ServicePrincipal"}});
        let (status, answer) = self.arm("PUT", &path, Some(body));
        assert!(status < 300, "{status}: {answer}");
    }

    fn infrastructure(&self) {
        let (status, _) = self.arm(
            "PUT",
            &format!("{SUBSCRIPTION}/resourcegroups/rg?api-version=2024-11-01"),
            Some(json!({"location": "eastus"})),
        );
        assert_eq!(status, 201);
        let files = json!({"name": "files", "properties": {"addressPrefix": "10.64.3.0/28",
            "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.NetApp/volumes"}}]}});
        let subnet =
            |name: &str, prefix: &str| json!({"name": name, "properties": {"addressPrefix": prefix}});
        let subnets = json!([
            subnet("server", "10.64.0.0/24"),
            subnet("compute", "10.64.1.0/24"),
            subnet("endpoints", "10.64.2.0/24"),
            files
        ]);
        let space = json!({"addressPrefixes": ["10.64.0.0/16"]});
        self.put(
            "Microsoft.Network/virtualNetworks/net",
            "2025-05-01",
            json!({"location": "eastus", "properties": {"addressSpace": space, "subnets": subnets}}),
        );
        let identity = self.put(
            "Microsoft.ManagedIdentity/userAssignedIdentities/locker",
            "2024-11-30",
            json!({"location": "eastus"}),
        );
        let account = json!({"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2",
            "properties": {"accessTier": "Hot"}});
        self.put("Microsoft.Storage/storageAccounts/twinlocker", "2025-06-01", account);
        self.put(
            "Microsoft.Storage/storageAccounts/twinlocker/blobServices/default/containers/cyclecloud",
            "2025-06-01",
            json!({"properties": {}}),
        );
        let server = self.machine();
        let server = &server["identity"]["principalId"];
        self.assign(
            1,
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            server,
            &format!("{SUBSCRIPTION}/resourceGroups/rg"),
        );
        self.assign(2, "acdd72a7-3385-48ef-bd42-f606fba81ae7", server, SUBSCRIPTION);
        let locker = id("Microsoft.Storage/storageAccounts/twinlocker");
        self.assign(3, "ba92f5b4-2d11-453d-a403-e96b0029c9fe", server, &locker);
        self.assign(
            4,
            "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            &identity["properties"]["principalId"],
            &locker,
        );
    }

    /// The CycleCloud server's machine.
    fn machine(&self) -> Value {
        let subnet = id("Microsoft.Network/virtualNetworks/net/subnets/server");
        let address = json!({"name": "ip", "properties": {"subnet": {"id": subnet}}});
        let interface = "Microsoft.Network/networkInterfaces/server";
        self.put(
            interface,
            "2025-05-01",
            json!({"location": "eastus", "properties": {"ipConfigurations": [address]}}),
        );
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZWjmBKyVYWYEvfx5Hgt0RjS5s3/2Zp9QEvnPGNAZuT twin";
        let keys = json!([{"path": "/home/cycleadmin/.ssh/authorized_keys", "keyData": key}]);
        let image =
            json!({"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2404", "version": "latest"});
        let properties = json!({
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {"imageReference": image, "osDisk": {"createOption": "FromImage"}},
            "osProfile": {"computerName": SERVER, "adminUsername": "cycleadmin",
                "linuxConfiguration": {"disablePasswordAuthentication": true, "ssh": {"publicKeys": keys}}},
            "networkProfile": {"networkInterfaces": [{"id": id(interface)}]},
        });
        let body =
            json!({"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": properties});
        self.put("Microsoft.Compute/virtualMachines/server", "2025-04-01", body)
    }

    /// A volume that nodes mount from its own address; the address.
    pub fn volume(&self) -> String {
        let tib = 1_i64 << 40;
        let (account, version) = ("Microsoft.NetApp/netAppAccounts/files", "2025-12-01");
        let pool = format!("{account}/capacityPools/pool");
        self.put(account, version, json!({"location": "eastus"}));
        let size = json!({"serviceLevel": "Premium", "size": 4 * tib});
        self.put(&pool, version, json!({"location": "eastus", "properties": size}));
        let rule =
            json!({"ruleIndex": 1, "allowedClients": "10.64.1.0/24", "nfsv3": true, "unixReadWrite": true});
        let properties = json!({"creationToken": "shared", "usageThreshold": tib, "protocolTypes": ["NFSv3"],
            "subnetId": id("Microsoft.Network/virtualNetworks/net/subnets/files"), "exportPolicy": {"rules": [rule]}});
        let body = json!({"location": "eastus", "properties": properties});
        let volume = self.put(&format!("{pool}/volumes/shared"), version, body);
        volume["properties"]["mountTargets"][0]["ipAddress"].as_str().unwrap().to_owned()
    }

    /// The accounting database behind a private endpoint; its host has the server's name.
    pub fn database(&self) {
        let server = "Microsoft.DBforMySQL/flexibleServers/twin-mysql";
        let properties = json!({"version": "8.4", "administratorLogin": "slurmadmin",
            "administratorLoginPassword": PASSWORD, "network": {"publicNetworkAccess": "Disabled"},
            "storage": {"storageSizeGB": 20}});
        let sku = json!({"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"});
        self.put(server, "2024-12-30", json!({"location": "eastus", "sku": sku, "properties": properties}));
        let zone = "Microsoft.Network/privateDnsZones/privatelink.mysql.database.azure.com";
        self.put(zone, "2024-06-01", json!({"location": "global"}));
        let connection = json!({"name": "c", "properties": {"groupIds": ["mysqlServer"], "privateLinkServiceId": id(server)}});
        let properties = json!({"subnet": {"id": id("Microsoft.Network/virtualNetworks/net/subnets/endpoints")},
            "privateLinkServiceConnections": [connection]});
        let endpoint = "Microsoft.Network/privateEndpoints/mysql";
        self.put(endpoint, "2025-05-01", json!({"location": "eastus", "properties": properties}));
        let config = json!({"name": "mysql", "properties": {"privateDnsZoneId": id(zone)}});
        let group = json!({"properties": {"privateDnsZoneConfigs": [config]}});
        self.put(&format!("{endpoint}/privateDnsZoneGroups/default"), "2025-05-01", group);
    }

    /// Administrator and a user without rights on nodes, account, locker, machine types.
    fn cyclecloud(&self) {
        let locker = id("Microsoft.ManagedIdentity/userAssignedIdentities/locker");
        let account = json!({"Name": "azure", "Provider": "azure", "Environment": "public",
            "AzureRMSubscriptionId": SUBSCRIPTION.rsplit('/').next(), "AzureRMTenantId": "t", "AzureResourceGroup": "rg",
            "Location": "eastus", "RMStorageAccount": "twinlocker", "RMStorageContainer": "cyclecloud",
            "AzureRMUseManagedIdentity": true, "LockerAuthMode": "ManagedIdentity", "LockerIdentity": locker});
        self.ok(SERVER, "/opt/cycle_server/cycle_server await_startup");
        self.record("setting", &json!({"AdType": "Application.Setting", "Name": "site_id", "Value": "site"}));
        self.user("boss", 20001, "Global Node Admin");
        self.user("guest", 20002, "Global Node User");
        self.ok(
            SERVER,
            &format!(
                "cyclecloud initialize --batch --force --verify-ssl=false --url=https://localhost --username=boss --password=p
                 echo '{account}' > /root/account.json
                 cyclecloud account create -f /root/account.json
                 /opt/cycle_server/cycle_server run_action Run:Application.Timer -eq Name plugin.azure.monitor_reference"
            ),
        );
        self.until(SERVER, "cyclecloud locker show azure-storage", "\"Created\"");
        self.until(
            SERVER,
            "/opt/cycle_server/cycle_server execute 'select Name from Azure.MachineType'",
            "Standard_ND96",
        );
    }

    /// A user that CycleCloud puts on nodes.
    pub fn user(&self, name: &str, uid: u32, role: &str) {
        let user = json!({"AdType": "AuthenticatedUser", "Name": name, "RawPassword": "p", "Roles": [role], "UID": uid});
        self.record(name, &user);
    }

    fn record(&self, file: &str, record: &Value) {
        let path = format!("/opt/cycle_server/config/data/{file}.json");
        self.ok(
            SERVER,
            &format!("cat > {path}.new <<'EOF'\n{record}\nEOF\nmv {path}.new {path}; until [ -e {path}.imported ]; do sleep 0.1; done"),
        );
    }

    /// Uploads a project with one spec, whose scripts are pairs of name and text.
    pub fn project(&self, name: &str, scripts: &[(&str, &str)]) {
        let folder = format!("/root/{name}/specs/default/cluster-init/scripts");
        self.ok(
            SERVER,
            &format!("mkdir -p {folder}; printf '[project]\\nname = {name}\\n' > /root/{name}/project.ini"),
        );
        for (script, text) in scripts {
            self.ok(SERVER, &format!("cat > {folder}/{script} <<'EOF'\n{text}\nEOF"));
        }
        self.ok(SERVER, &format!("cd /root/{name} && cyclecloud project upload azure-storage"));
    }

    /// Imports the cluster `Demo-1` from a template of `tests/data/cluster` with these parameters.
    pub fn import(&self, template: &str, parameters: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cluster").join(template);
        let text = std::fs::read_to_string(path).unwrap();
        self.ok(
            SERVER,
            &format!(
                "cat > /root/template.txt <<'EOF'\n{text}\nEOF\ncat > /root/parameters.json <<'EOF'\n{parameters}\nEOF
                 cyclecloud import_cluster Demo-1 -c Slurm -f /root/template.txt -p /root/parameters.json --force"
            ),
        );
    }

    /// Starts the cluster and waits for a node to be in a state.
    pub fn start(&self, waits: &[(&str, &str)]) {
        self.ok(SERVER, "cyclecloud start_cluster Demo-1");
        for (node, status) in waits {
            self.until(
                SERVER,
                &format!("cyclecloud show_nodes {node} -c Demo-1"),
                &format!("Status = \"{status}\""),
            );
        }
    }
}
