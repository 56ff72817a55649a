//! The functions that the evaluator claims. Any other is refused, even if there is code for it, so nothing is played
//! that this list does not name.

/// Functions of the template language by kind: logic, numbers, strings, arrays and objects, lambdas, networks, the
/// deployment and its scope, resources.
const CLAIMED: [&str; 8] = [
    "and bool coalesce equals false greater greaterOrEquals if less lessOrEquals not null or true",
    "add div int max min mod mul sub",
    "base64 base64ToJson base64ToString dataUri dataUriToString endsWith fail format guid join json padLeft \
     replace split startsWith string substring toLower toUpper trim uniqueString uriComponent uriComponentToString",
    "array concat contains createArray createObject empty first flatten indexOf intersection items last \
     lastIndexOf length objectKeys range shallowMerge skip take tryGet union",
    "filter groupBy lambdaVariables map mapValues reduce sort toObject",
    "cidrHost cidrSubnet parseCidr",
    "copyIndex deployment environment parameters resourceGroup subscription tenant variables",
    "extensionResourceId listKeys reference references resourceId subscriptionResourceId tenantResourceId",
];

/// Names of the functions, as Azure spells them.
pub fn functions() -> impl Iterator<Item = &'static str> {
    CLAIMED.iter().flat_map(|names| names.split(' '))
}

/// Whether the evaluator claims a function. `listSecrets` and the other kin of `listKeys` go the same way as it.
pub fn is_claimed(function: &str) -> bool {
    let kin = function.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("list"));
    kin || functions().any(|claimed| claimed.eq_ignore_ascii_case(function))
}
