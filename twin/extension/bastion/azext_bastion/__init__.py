"""Stand-in for the az extension `bastion`: `az network bastion tunnel`, on the protocol that the real one speaks."""

from azure.cli.core import AzCommandsLoader
from azure.cli.core.commands import CliCommandType


class BastionCommandsLoader(AzCommandsLoader):
    """Registers the one command."""

    def __init__(self, cli_ctx=None):
        custom = CliCommandType(operations_tmpl="azext_bastion.custom#{}")
        super().__init__(cli_ctx=cli_ctx, custom_command_type=custom)

    def load_command_table(self, args):
        with self.command_group("network bastion") as group:
            group.custom_command("tunnel", "create_bastion_tunnel")
        return self.command_table

    def load_arguments(self, command):
        with self.argument_context("network bastion tunnel") as context:
            context.argument("bastion_host_name", options_list=["--name", "-n"], help="Name of the Bastion.")
            context.argument("target_resource_id", options_list=["--target-resource-id"], help="Id of the VM.")
            context.argument("resource_port", options_list=["--resource-port"], type=int, help="Port on the VM.")
            context.argument("port", options_list=["--port"], type=int, help="Local port.")
            context.argument("timeout", options_list=["--timeout"], type=int, help="Seconds until it ends.")


COMMAND_LOADER_CLS = BastionCommandsLoader
