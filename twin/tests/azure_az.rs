//! The unmodified az against the twin: sign-in, and every command that the driver runs.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

const S: &str = "11111111-1111-4111-8111-111111111111";
const TERMS: &str = "--publisher azurecyclecloud --offer azure-cyclecloud --plan cyclecloud8-gen2";

/// A twin started with `up`; ended when dropped.
struct Twin {
    dir: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Twin {
    fn up(scenario: &str) -> Twin {
        let az = Command::new("az").arg("version").output();
        assert!(
            az.is_ok(),
            "az is not on PATH: python3 -m venv V && V/bin/pip install azure-cli, then PATH=V/bin:$PATH"
        );
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("scenario.yaml");
        std::fs::write(&file, scenario).unwrap();
        let mut up = twin(dir.path());
        let output = up.args(["up", "--no-hosts", "--scenario"]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(twin(dir.path()).arg("env").output().unwrap().stdout).unwrap();
        let pair = |line: &str| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        };
        Twin { environment: lines.lines().filter_map(pair).collect(), dir }
    }

    /// Runs a shell line in the twin's environment.
    fn sh(&self, line: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", line]).envs(self.environment.iter().cloned());
        command.current_dir(self.dir.path()).env("S", S).env("TERMS", TERMS).output().unwrap()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let down = twin(self.dir.path()).arg("down").status();
        assert!(down.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn twin(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("ccslurm4ai-twin"));
    command.env("CCSLURM4AI_TWIN_DIR", dir);
    command
}

/// Runs each line; its exit status and a part of what it says must be as given.
fn check(twin: &Twin, rows: &[(&str, i32, &str)]) {
    for (line, status, part) in rows {
        let output = twin.sh(line);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(*status), "{line}\n{said}");
        assert!(said.contains(part), "{line}: '{part}' is not in\n{said}");
    }
    println!("{} commands", rows.len());
}

/// az asks for the state of every version it lists.
const IMAGES: &str = "az vm image list -l eastus --publisher microsoft-dsvm --offer ubuntu-hpc --sku 2204 --all \
                      --query [0].imageDeprecationStatus.imageState -o tsv";

#[test]
fn az_as_service_principal() {
    let twin = Twin::up(
        "deleted_vaults: [{name: kvlost, group: rg1, location: eastus, secrets: {admin-Pwd: s3cret}}]\n\
         roles: [{role: Owner}, {role: Key Vault Secrets User}]\n\
         quota: {eastus: {standardNDSH100v5Family: 95}}\n",
    );
    std::fs::write(twin.dir.path().join("main.json"), TEMPLATE).unwrap();
    let arm = |path: &str| format!("az rest --method get --url \"/subscriptions/$S{path}\"");
    let usages = arm("/providers/Microsoft.Compute/locations/eastus/usages?api-version=2024-11-01")
        + " --query \"value[?name.value=='standardNDSH100v5Family'].limit | [0]\"";
    let skus = arm("/providers/Microsoft.Compute/skus?api-version=2021-07-01&\\$filter=location eq 'eastus'")
        + " --query \"value[?name=='Standard_ND96isr_H100_v5'].family | [0]\" -o tsv";
    let deployments =
        arm("/resourceGroups/rg1/providers/Microsoft.Resources/deployments?api-version=2025-04-01")
            + " --query 'value[].name' -o tsv";
    check(
        &twin,
        &[
            ("az version -o json", 0, "\"bastion\""),
            ("az account show --subscription $S -o json", 0, "\"servicePrincipal\""),
            ("az account show --subscription nonsense -o json", 1, "not found"),
            ("az account list -o json", 0, "\"Twin\""),
            ("az account get-access-token --subscription $S -o json", 0, "accessToken"),
            (&arm("/locations?api-version=2022-12-01"), 0, "westeurope"),
            (&usages, 0, "95"),
            (&skus, 0, "standardNDSH100v5Family"),
            ("az group create -n rg1 -l eastus --tags a=b --subscription $S -o json", 0, "Succeeded"),
            ("az group exists -n nope", 0, "false"),
            ("az group show -n nope", 3, "ResourceGroupNotFound"),
            (
                "az tag update --resource-id /subscriptions/$S/resourceGroups/rg1 --operation merge --tags c=d -o json",
                0,
                "\"c\": \"d\"",
            ),
            (&arm("/resourcegroups/rg1?api-version=2024-11-01"), 0, "\"a\": \"b\""),
            (IMAGES, 0, "Active"),
            ("az vm image terms show $TERMS --query accepted", 0, "false"),
            ("az vm image terms accept $TERMS --query accepted", 0, "true"),
            (&arm("/providers/Microsoft.KeyVault/deletedVaults?api-version=2026-02-01"), 0, "kvlost"),
            ("az keyvault recover -n kvlost -l eastus --query properties.provisioningState", 0, "Succeeded"),
            ("az keyvault secret show --vault-name kvlost -n admin-Pwd --query value -o tsv", 0, "s3cret"),
            ("az keyvault secret show --vault-name kvlost -n nope", 3, "SecretNotFound"),
            (
                "az keyvault update -n kvlost -g rg1 --default-action Deny --bypass AzureServices --query properties.networkAcls.defaultAction",
                0,
                "Deny",
            ),
            ("az keyvault secret show --vault-name kvlost -n admin-Pwd", 1, "ForbiddenByFirewall"),
            (
                "echo '{\"parameters\": {\"p\": {\"value\": \"hello\"}}}' | az deployment group create -g rg1 -n d1 --template-file main.json -p @- --no-wait",
                0,
                "",
            ),
            (
                "az deployment group wait -g rg1 -n d1 --created --interval 1; az deployment group show -g rg1 -n d1 --query properties.outputs.o.value",
                0,
                "hello",
            ),
            (
                "az deployment operation group list -g rg1 -n d1 --query '[].properties.provisioningOperation' -o tsv",
                0,
                "EvaluateDeploymentOutput",
            ),
            ("az deployment group cancel -g rg1 -n d1", 1, "DeploymentCannotBeCancelled"),
            (&deployments, 0, "d1"),
            ("az group delete -n rg1 -y && az group exists -n rg1", 0, "false"),
        ],
    );
}

const TEMPLATE: &str = r#"{
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0", // az sends comments on
    "parameters": {"p": {"type": "string"}},
    "resources": [],
    "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}
}"#;

/// A stand-in for a VM's port: answers every connection with what it got.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 64];
            let length = stream.read(&mut bytes).unwrap_or_default();
            let _ = stream.write_all(&bytes[..length]);
        }
    });
    port
}

#[test]
fn a_deployment_makes_a_vm_and_a_tunnel_leads_to_it() {
    let twin = Twin::up(&format!("tunnel_to: '127.0.0.1:{}'\n", echo()));
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tunnel.json");
    std::fs::copy(template, twin.dir.path().join("main.json")).unwrap();
    let machine = "/subscriptions/$S/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm1";
    let tunnel = |target: &str, then: &str| {
        format!(
            "exec 3>&1; az network bastion tunnel --subscription $S -g rg1 --name bastion --target-resource-id {target} \
             --resource-port 22 --port 0 2>tunnel.log & id=$!; for i in $(seq 100); do grep -q 'Tunnel is ready' tunnel.log && break; \
             kill -0 $id || break; sleep 0.1; done; port=$(sed -n 's/.*connect on port //p' tunnel.log); {then}"
        )
    };
    let talk = "python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', $port)); s.sendall(b'hello'); print(s.recv(9))\"; \
                sleep 0.3; kill -INT $id; wait $id; cat tunnel.log";
    let lost = "python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', $port)); print(s.recv(9))\" & wait $id; wait; cat tunnel.log";
    check(
        &twin,
        &[
            ("az group create -n rg1 -l eastus -o none && az deployment group create -g rg1 -n d1 --template-file main.json --query properties.outputs.address.value", 0, "10.64.0.4"),
            (&format!("az rest --method get --url '{machine}?api-version=2025-04-01' --query properties.provisioningState").replace('\'', "\""), 0, "Succeeded"),
            ("az vm identity assign -g rg1 -n vm1 --query systemAssignedIdentity", 0, "-"),
            (&format!("az resource patch --ids {machine} --api-version 2025-04-01 --is-full-object --properties '{{\"tags\": {{\"a\": \"b\"}}}}' --query tags.a"), 0, "b"),
            ("az vm extension set -g rg1 --vm-name vm1 --publisher Microsoft.GuestConfiguration --name ConfigurationforLinux --version 1.0 --extension-instance-name AzurePolicyforLinux --query provisioningState", 0, "Succeeded"),
            ("az vm extension set -g rg1 --vm-name vm1 --publisher Microsoft.GuestConfiguration --name Nothing --version 1.0", 3, "ArtifactNotFound"),
            (&tunnel(machine, talk), 0, "b'hello'"),
            (&tunnel(machine, talk), 0, "Ctrl + C to close"),
            (&tunnel(&format!("{machine}x"), lost), 0, "was not found"),
        ],
    );
    let requests = twin_requests(&twin);
    let of_tunnel = |method: &str| {
        requests.lines().filter(|line| line.contains("/api/tokens") && line.contains(method)).count()
    };
    assert_eq!(
        (of_tunnel("POST"), of_tunnel("DELETE")),
        (3, 2),
        "every token that was given is given back\n{requests}"
    );
}

fn twin_requests(running: &Twin) -> String {
    String::from_utf8(twin(running.dir.path()).arg("requests").output().unwrap().stdout).unwrap()
}

#[test]
fn az_as_user_and_signed_out() {
    for (sign_in, line, status, part) in [
        (
            "user",
            "az account show --query user -o json && az ad signed-in-user show --query id",
            0,
            "77777777-7777",
        ),
        ("none", "az account list -o json 2>&1 && az group list", 1, "az login"),
        ("expired", "az account show -o none && az group list", 1, "AADSTS700082"),
    ] {
        let twin = Twin::up(&format!("sign_in: {sign_in}"));
        check(&twin, &[(line, status, part)]);
    }
}
