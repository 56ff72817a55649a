//! What is refused before a deployment runs, and what it does with parameters, outputs and nested deployments.

use ccslurm4ai_twin::arm::{Action, Plan, scope::Scope};
use ccslurm4ai_twin::azure::error::AzureError;
use serde_json::{Value, json};

use crate::world::{FakeWorld, SUBSCRIPTION, request, template};

fn with(more: Value) -> Value {
    let mut whole = template(json!({}));
    for (key, value) in more.as_object().expect("members") {
        whole[key] = value.clone();
    }
    whole
}

fn resource(more: Value) -> Value {
    let mut one =
        json!({"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2025-05-01", "name": "v"});
    for (key, value) in more.as_object().expect("members") {
        one[key] = value.clone();
    }
    template(json!({ "v": one }))
}

/// A refusal: what it is, template, parameters, code, words.
type Refused = (&'static str, Value, Value, &'static str, &'static str);

/// Parameters that do not fit.
fn parameters() -> Vec<Refused> {
    let text = json!({"parameters": {"x": {"type": "string"}, "y": {"type": "int", "defaultValue": 1}}});
    vec![
        (
            "unknown parameter",
            with(text.clone()),
            json!({"x": {"value": "a"}, "z": {"value": 1}}),
            "InvalidTemplate",
            "do not correspond to any parameters defined in the template: 'z'. The parameters defined in the template are: 'x, y'.",
        ),
        (
            "missing parameter",
            with(text.clone()),
            json!({}),
            "InvalidTemplate",
            "The value for the template parameter 'x' at line '1' and column '1' is not provided.",
        ),
        (
            "null parameter",
            with(text.clone()),
            json!({"x": {"value": null}}),
            "InvalidTemplate",
            "'x' at line '1' and column '1' is not provided.",
        ),
        (
            "wrong type",
            with(text.clone()),
            json!({"x": {"value": 5}}),
            "InvalidTemplate",
            "Expected a value of type 'String, Uri', but received a value of type 'Integer'.",
        ),
        (
            "bare value",
            with(text.clone()),
            json!({"x": "a"}),
            "InvalidRequestContent",
            "Error converting value",
        ),
        (
            "vault that is not there",
            with(text.clone()),
            json!({"x": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}}}),
            "KeyVaultParameterReferenceNotFound",
            "'/v' could not be found",
        ),
        (
            "reference without a name",
            with(text),
            json!({"x": {"reference": {"keyVault": {"id": "/v"}}}}),
            "InvalidTemplate",
            "needs 'keyVault.id' and 'secretName'",
        ),
    ]
}

/// Templates with members that there are not, or without some.
fn members() -> Vec<Refused> {
    vec![
        (
            "unknown section",
            with(json!({"foo": 1})),
            json!({}),
            "InvalidRequestContent",
            "Could not find member 'foo' on object of type 'Template'.",
        ),
        (
            "unknown member of a resource",
            resource(json!({"colour": "red"})),
            json!({}),
            "InvalidRequestContent",
            "Could not find member 'colour' on object of type 'TemplateResource'.",
        ),
        (
            "unknown member of a parameter",
            with(json!({"parameters": {"x": {"type": "string", "foo": 1}}})),
            json!({}),
            "InvalidRequestContent",
            "on object of type 'TemplateInputParameter'",
        ),
        (
            "no resources",
            json!({"$schema": "s", "contentVersion": "1.0.0.0"}),
            json!({}),
            "InvalidRequestContent",
            "Required property 'resources' not found",
        ),
        ("not a template", json!([]), json!({}), "InvalidTemplate", "not a JSON object"),
        (
            "no api-version",
            template(json!({"v": {"type": "A/b", "name": "v"}})),
            json!({}),
            "InvalidTemplate",
            "api-version property is not defined",
        ),
    ]
}

/// Names, conditions and loops without a value.
fn expressions() -> Vec<Refused> {
    vec![
        (
            "reference in a name",
            resource(json!({"name": "[reference('v').x]"})),
            json!({}),
            "InvalidTemplate",
            "The template function 'reference' is not expected at this location.",
        ),
        (
            "reference in a condition",
            resource(json!({"condition": "[reference('v').x]"})),
            json!({}),
            "InvalidTemplate",
            "The template function 'reference' is not expected at this location.",
        ),
        (
            "unknown function",
            resource(json!({"name": "[nosuch('a')]"})),
            json!({}),
            "InvalidTemplate",
            "The template function 'nosuch' is not valid.",
        ),
        (
            "name with too many parts",
            resource(json!({"name": "a/b"})),
            json!({}),
            "InvalidTemplate",
            "contains '2' name segment(s) separated by '/', but '1' segment(s) were expected.",
        ),
        (
            "negative loop",
            resource(json!({"copy": {"name": "v", "count": -1}})),
            json!({}),
            "InvalidTemplate",
            "has an invalid copy count of: '-1'.",
        ),
        (
            "loop index without loop",
            resource(json!({"name": "[format('{0}', copyIndex())]"})),
            json!({}),
            "InvalidTemplate",
            "The template function 'copyIndex' is not expected at this location.",
        ),
    ]
}

/// Names that mean nothing, or themselves.
fn names() -> Vec<Refused> {
    vec![
        (
            "one resource twice",
            template(
                json!({"a": {"type": "A/b", "apiVersion": "1", "name": "v"}, "b": {"type": "a/B", "apiVersion": "1", "name": "V"}}),
            ),
            json!({}),
            "InvalidTemplate",
            "is defined multiple times in a template.",
        ),
        (
            "default that refers to itself",
            with(json!({"parameters": {"x": {"type": "string", "defaultValue": "[parameters('x')]"}}})),
            json!({}),
            "InvalidTemplate",
            "The template parameter 'x' is not found.",
        ),
        (
            "variable that refers to itself",
            with(
                json!({"variables": {"v": "[variables('v')]"}, "parameters": {"x": {"type": "string", "defaultValue": "[variables('v')]"}}}),
            ),
            json!({}),
            "InvalidTemplate",
            "The 'v' symbol references itself",
        ),
    ]
}

#[test]
fn refuses_what_azure_refuses() {
    let cases = [parameters(), members(), expressions(), names()].concat();
    let world = FakeWorld::default();
    for (name, template, parameters, code, words) in &cases {
        let error = Plan::build(request(template.clone(), parameters.clone()), &world)
            .err()
            .unwrap_or_else(|| panic!("{name} is taken"));
        assert_eq!(&error.code, code, "{name}: {error}");
        assert!(error.message.contains(words), "{name}: {error}");
    }
    println!("{} templates refused", cases.len());
}

#[test]
fn parameters_come_from_values_vaults_and_defaults() {
    let mut world = FakeWorld::default();
    world.add("/vault", json!({}));
    let template = with(json!({
        "parameters": {
            "first": {"type": "string", "defaultValue": "[concat(parameters('second'), '!')]"},
            "second": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "secret": {"type": "secureString"},
            "maybe": {"type": "object", "nullable": true},
            "Given": {"type": "array"},
        },
        "outputs": {
            "all": {"type": "object", "value": "[createObject('a', parameters('FIRST'), 'b', parameters('given'), 'c', parameters('secret'), 'd', parameters('maybe'))]"},
            "secret": {"type": "secureString", "value": "[parameters('secret')]"},
            "each": {"type": "array", "copy": {"count": 2, "input": "[copyIndex(5)]"}},
            "no": {"type": "string", "condition": false, "value": "[nosuch()]"},
            "none": {"type": "string", "nullable": true, "value": "[null()]"},
        },
    }));
    let reference = json!({"keyVault": {"id": "/vault"}, "secretName": "s"});
    let parameters = json!({"secret": {"reference": reference}, "given": {"value": [1]}});
    let plan = Plan::build(request(template, parameters), &world).expect("a plan");
    let outputs = plan.outputs(&world).expect("outputs");
    assert_eq!(
        json!(outputs),
        json!({
            "all": {"type": "Object", "value": {"a": "eastus!", "b": [1], "c": "value of s", "d": null}},
            "secret": {"type": "SecureString"},
            "each": {"type": "Array", "value": [5, 6]},
        })
    );
    assert_eq!(
        json!(plan.parameters()),
        json!({
            "first": {"type": "String", "value": "eastus!"}, "second": {"type": "String", "value": "eastus"},
            "secret": {"type": "SecureString", "reference": reference}, "maybe": {"type": "Object"}, "Given": {"type": "Array", "value": [1]},
        })
    );
}

fn nested(properties: Value, more: Value) -> Value {
    let mut deployment = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "inner", "properties": properties});
    for (key, value) in more.as_object().expect("members") {
        deployment[key] = value.clone();
    }
    with(
        json!({"parameters": {"p": {"type": "string", "defaultValue": "outer"}}, "resources": {"d": deployment}}),
    )
}

fn inner(template: Value) -> Result<ccslurm4ai_twin::arm::Request, String> {
    let world = FakeWorld::default();
    let plan = Plan::build(request(template, json!({})), &world).map_err(|error| error.to_string())?;
    match plan.action(0, &world).map_err(|error| error.to_string())? {
        Action::Deploy(request) => Ok(*request),
        Action::Put(put) => Err(format!("{} is no deployment", put.id)),
    }
}

#[test]
fn nested_deployments_have_scopes_and_names_of_their_own() {
    let leaf = with(
        json!({"parameters": {"p": {"type": "string"}}, "outputs": {"o": {"type": "string", "value": "[concat(parameters('p'), deployment().name)]"}}}),
    );
    let options = json!({"scope": "inner"});
    let properties = json!({"mode": "Incremental", "expressionEvaluationOptions": options, "template": leaf, "parameters": {"p": {"value": "[parameters('p')]"}}});
    let request = inner(nested(properties.clone(), json!({}))).expect("a nested deployment");
    assert_eq!(
        request.id(),
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.Resources/deployments/inner"
        )
    );
    assert_eq!(json!(request.parameters), json!({"p": {"value": "outer"}}));
    let subscription =
        inner(nested(properties.clone(), json!({"subscriptionId": SUBSCRIPTION, "location": "westus"})))
            .expect("one of the subscription");
    assert_eq!(subscription.scope, Scope::Subscription { subscription: SUBSCRIPTION.into() });
    assert_eq!(subscription.location.as_deref(), Some("westus"));
    let group = inner(nested(properties, json!({"resourceGroup": "rg2"}))).expect("one of another group");
    assert!(group.id().contains("/resourceGroups/rg2/"));
}

#[test]
fn a_nested_deployment_with_the_outer_scope_sees_the_names_around_it() {
    let leaf = with(json!({"outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}));
    let request = inner(nested(json!({"mode": "Incremental", "template": leaf}), json!({})))
        .expect("a nested deployment");
    let world = FakeWorld::default();
    let outputs = Plan::build(request, &world).and_then(|plan| plan.outputs(&world)).expect("outputs");
    assert_eq!(outputs["o"]["value"], "outer");
    let linked = inner(nested(
        json!({"mode": "Incremental", "templateLink": {"uri": "https://example.com"}}),
        json!({}),
    ));
    assert!(linked.err().expect("a refusal").contains("linked templates are not modelled"));
}

#[test]
fn a_failing_expression_names_the_resource_or_output() {
    let world = FakeWorld::default();
    let plan = Plan::build(
        request(resource(json!({"properties": {"x": "[createObject('a', 1).b]"}})), json!({})),
        &world,
    )
    .expect("a plan");
    let error = plan.action(0, &world).err().expect("a refusal");
    assert_eq!(error.code, "InvalidTemplate");
    assert!(
        error.message.contains("for resource '/subscriptions/")
            && error.message.contains("available properties are 'a'"),
        "{error}"
    );
    let missing = "[reference('/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b/c', '1').x]";
    let outputs = with(
        json!({"outputs": {"one": {"type": "string", "value": missing}, "two": {"type": "string", "value": "[int('x')]"}}}),
    );
    let error = Plan::build(request(outputs, json!({})), &world)
        .and_then(|plan| plan.outputs(&world))
        .expect_err("a refusal");
    assert_eq!((error.code.as_str(), error.details.len()), ("DeploymentOutputEvaluationFailed", 2));
    assert!(
        error.message.contains("'one,two'") && error.details[0].message.contains("was not found"),
        "{error:?}"
    );
}

fn machine(name: &str, size: &str) -> Value {
    let image = json!({"publisher": "azurecyclecloud", "offer": "o", "sku": "s", "version": "1"});
    json!({
        "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2025-04-01", "name": name, "location": "eastus",
        "plan": {"publisher": "azurecyclecloud", "product": "azure-cyclecloud", "name": "cyclecloud8-gen2"},
        "properties": {"hardwareProfile": {"vmSize": size}, "storageProfile": {"imageReference": image}},
    })
}

fn preflight(template: Value, world: &FakeWorld) -> Result<(), AzureError> {
    Plan::build(request(template, json!({})), world)?.preflight(world)
}

#[test]
fn providers_refuse_before_anything_runs() {
    let mut world = FakeWorld::default();
    let inner = template(
        json!({"two": machine("two", "Standard_D4s_v5"), "three": machine("three", "[reference('/x').size]")}),
    );
    let options = json!({"scope": "inner"});
    let deployment = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "d",
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": options, "template": inner}});
    let whole = template(json!({"one": machine("one", "Standard_D4s_v5"), "d": deployment}));
    assert_eq!(
        preflight(whole.clone(), &world),
        Ok(()),
        "two machines fit, what the third will be is unknown"
    );
    world.quota.used = 4;
    let error = preflight(whole.clone(), &world).expect_err("no room for two");
    assert_eq!(error.code, "InvalidTemplateDeployment");
    assert!(error.message.contains("'main' is not valid according to the validation procedure"), "{error}");
    let codes: Vec<&str> = error.details.iter().map(|detail| detail.code.as_str()).collect();
    assert_eq!(codes, ["QuotaExceeded", "QuotaExceeded"], "of the family and of the region");
    world.accepted = false;
    let error = preflight(whole, &world).expect_err("terms are not accepted");
    assert_eq!(error.code, "MarketplacePurchaseEligibilityFailed");
}
