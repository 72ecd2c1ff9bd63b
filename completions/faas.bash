# bash completion for faas. Generated from completions/faas.bash.in and the
# option tables in cmd/. Do not edit.
# shellcheck shell=bash disable=SC2207,SC2034

# <path> <word>: sets path to the command that word names there
_faas_command() {
	case "$1 $2" in
	' execute' | ' run') path='execute' ;;
	' execution' | ' executions') path='execution' ;;
	'execution list') path='execution list' ;;
	'execution show') path='execution show' ;;
	'execution logs') path='execution logs' ;;
	'execution attach') path='execution attach' ;;
	'execution wait') path='execution wait' ;;
	'execution cancel') path='execution cancel' ;;
	'execution delete') path='execution delete' ;;
	'execution prune') path='execution prune' ;;
	' batch') path='batch' ;;
	' env' | ' environment' | ' environments' | ' envs') path='env' ;;
	'env list') path='env list' ;;
	'env show') path='env show' ;;
	'env create') path='env create' ;;
	'env build') path='env build' ;;
	'env pull') path='env pull' ;;
	'env update') path='env update' ;;
	'env export') path='env export' ;;
	'env delete') path='env delete' ;;
	'env prune') path='env prune' ;;
	'env alias') path='env alias' ;;
	'env alias list') path='env alias list' ;;
	'env alias set') path='env alias set' ;;
	'env alias delete') path='env alias delete' ;;
	'env login') path='env login' ;;
	'env logout') path='env logout' ;;
	' snapshot' | ' snapshots') path='snapshot' ;;
	'snapshot create') path='snapshot create' ;;
	'snapshot list') path='snapshot list' ;;
	'snapshot show') path='snapshot show' ;;
	'snapshot tree') path='snapshot tree' ;;
	'snapshot diff') path='snapshot diff' ;;
	'snapshot exec') path='snapshot exec' ;;
	'snapshot restore') path='snapshot restore' ;;
	'snapshot tag') path='snapshot tag' ;;
	'snapshot df') path='snapshot df' ;;
	'snapshot check') path='snapshot check' ;;
	'snapshot export') path='snapshot export' ;;
	'snapshot import') path='snapshot import' ;;
	'snapshot prune') path='snapshot prune' ;;
	'snapshot delete') path='snapshot delete' ;;
	' branch' | ' branches') path='branch' ;;
	'branch create') path='branch create' ;;
	'branch list') path='branch list' ;;
	'branch show') path='branch show' ;;
	'branch tree') path='branch tree' ;;
	'branch exec') path='branch exec' ;;
	'branch diff') path='branch diff' ;;
	'branch compare') path='branch compare' ;;
	'branch merge') path='branch merge' ;;
	'branch promote') path='branch promote' ;;
	'branch delete') path='branch delete' ;;
	' instance' | ' instances') path='instance' ;;
	'instance start') path='instance start' ;;
	'instance run') path='instance run' ;;
	'instance list') path='instance list' ;;
	'instance show') path='instance show' ;;
	'instance exec') path='instance exec' ;;
	'instance logs') path='instance logs' ;;
	'instance wait') path='instance wait' ;;
	'instance events') path='instance events' ;;
	'instance port-forward') path='instance port-forward' ;;
	'instance update') path='instance update' ;;
	'instance pause') path='instance pause' ;;
	'instance resume') path='instance resume' ;;
	'instance stop') path='instance stop' ;;
	'instance restart') path='instance restart' ;;
	'instance terminate' | 'instance delete' | 'instance rm') path='instance terminate' ;;
	' chain') path='chain' ;;
	'chain list') path='chain list' ;;
	'chain show') path='chain show' ;;
	'chain delete') path='chain delete' ;;
	'chain prune') path='chain prune' ;;
	' try') path='try' ;;
	' race') path='race' ;;
	' map') path='map' ;;
	' compare') path='compare' ;;
	' merge') path='merge' ;;
	' diff') path='diff' ;;
	' language' | ' languages') path='language' ;;
	'language list') path='language list' ;;
	'language show') path='language show' ;;
	' executor') path='executor' ;;
	'executor run') path='executor run' ;;
	'executor start') path='executor start' ;;
	'executor stop') path='executor stop' ;;
	'executor status') path='executor status' ;;
	' doctor') path='doctor' ;;
	' completion') path='completion' ;;
	' config') path='config' ;;
	'config list') path='config list' ;;
	'config get') path='config get' ;;
	'config set') path='config set' ;;
	'config unset') path='config unset' ;;
	' version') path='version' ;;
	' help') path='help' ;;
	*) return 1 ;;
	esac
}

# <path>: sets what can follow. Of operands, the last may begin with '*': there
# are any number of it; or '+': it is the command line of something else.
_faas_about() {
	subs='' flags='' values='' operands=()
	global_flags='--help -h --json --quiet -q --verbose -v --no-input --no-pager'
	global_values='--context --chdir -C --color'
	case $1 in
	'') subs='execute execution batch env snapshot branch instance chain try race map compare merge diff language executor doctor completion config version help' ;;
	'execute')
		flags='--allow-degraded --tty --no-tty -t -T --no-stdin -n --detach -d --log'
		values='--env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io --status-fd --status-file --id-file'
		operands=('+.' ) ;;
	'execution')
		subs='list show logs attach wait cancel delete prune'
		flags=''
		values=''
		operands=() ;;
	'execution list')
		flags='--no-header --no-trunc'
		values='--state -s --environment -E --name --label --since --limit -n --before --fields'
		operands=() ;;
	'execution show')
		flags=''
		values=''
		operands=('execution' ) ;;
	'execution logs')
		flags='--follow -f --timestamps -t'
		values='--from --tail -n --since --stream'
		operands=('execution' ) ;;
	'execution attach')
		flags='--no-forward'
		values=''
		operands=('execution' ) ;;
	'execution wait')
		flags='--any'
		values=''
		operands=('*execution' ) ;;
	'execution cancel')
		flags='--no-wait'
		values='--grace --signal -s'
		operands=('*execution' ) ;;
	'execution delete')
		flags=''
		values=''
		operands=('*execution' ) ;;
	'execution prune')
		flags='--all --dry-run'
		values='--keep-last --older-than'
		operands=() ;;
	'batch')
		flags='--unordered --resume --resume-failed --allow-degraded'
		values='--jobs -j --output-limit --halt --retries --joblog --env -E --mode -m --language -l --workdir -w --user -u --network --timeout --memory --cpus --pids --disk'
		operands=('file' ) ;;
	'env')
		subs='list show create build pull update export delete prune alias login logout'
		flags=''
		values=''
		operands=() ;;
	'env list')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'env show')
		flags=''
		values=''
		operands=('environment' ) ;;
	'env create')
		flags='--replace --password-stdin --insecure'
		values='--base --env-var -e --workdir -w --user -u --memory --cpus --pids --disk --cache --shell --language -l --feature --warm-up --platform --username --progress --ca-file --timeout'
		operands=('.' 'file' ) ;;
	'env build')
		flags='--no-cache --explain --replace --pull --password-stdin --insecure'
		values='--base -b --layer -r --copy -c --variable -e --workdir -w --user -u --network --timeout --memory --cpus --pids --disk --file -f --cache --shell --language -l --feature --warm-up --platform --username --progress --ca-file'
		operands=('.' ) ;;
	'env pull')
		flags='--replace --password-stdin --insecure'
		values='--name --env-var -e --workdir -w --user -u --memory --cpus --pids --disk --cache --shell --language -l --feature --warm-up --platform --username --progress --ca-file --timeout'
		operands=('.' ) ;;
	'env update')
		flags=''
		values='--env-var -e --workdir -w --user -u --memory --cpus --pids --disk --cache --shell --language -l --feature --warm-up --unset --no-limit'
		operands=('environment' ) ;;
	'env export')
		flags='--force'
		values='--format --tag'
		operands=('environment' 'file' ) ;;
	'env delete')
		flags=''
		values=''
		operands=('environment' ) ;;
	'env prune')
		flags='--dry-run -n'
		values=''
		operands=() ;;
	'env alias')
		subs='list set delete'
		flags=''
		values=''
		operands=() ;;
	'env alias list')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'env alias set')
		flags=''
		values=''
		operands=('.' '.' ) ;;
	'env alias delete')
		flags=''
		values=''
		operands=('.' ) ;;
	'env login')
		flags='--password-stdin --insecure'
		values='--username -u --ca-file --timeout'
		operands=('.' ) ;;
	'env logout')
		flags=''
		values=''
		operands=('.' ) ;;
	'snapshot')
		subs='create list show tree diff exec restore tag df check export import prune delete'
		flags=''
		values=''
		operands=() ;;
	'snapshot create')
		flags='--sync'
		values='--execution -x --branch -b --environment -E --instance -i --snapshot --comment -m --label --ttl'
		operands=('.' ) ;;
	'snapshot list')
		flags='--reverse -r --no-header --no-trunc'
		values='--environment -E --name --label --since --limit -n --sort --fields'
		operands=() ;;
	'snapshot show')
		flags=''
		values=''
		operands=('snapshot' ) ;;
	'snapshot tree')
		flags=''
		values=''
		operands=() ;;
	'snapshot diff')
		flags='--patch -p --stat --name-only --no-header --no-trunc'
		values='--fields'
		operands=('snapshot' 'snapshot' '+.' ) ;;
	'snapshot exec')
		flags='--allow-degraded --tty --no-tty -t -T --no-stdin -n --detach -d --log --cached --explain'
		values='--env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io --status-fd --status-file --id-file'
		operands=('snapshot' '+.' ) ;;
	'snapshot restore')
		flags='--force -f'
		values='--branch -b'
		operands=('snapshot' ) ;;
	'snapshot tag')
		flags=''
		values='--comment -m --label --ttl'
		operands=('snapshot' '.' ) ;;
	'snapshot df')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'snapshot check')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=('*snapshot' ) ;;
	'snapshot export')
		flags='--force -f'
		values='--since --sign --compress'
		operands=('snapshot' 'file' ) ;;
	'snapshot import')
		flags=''
		values='--name --environment -E --verify --ttl --max-size'
		operands=('file' ) ;;
	'snapshot prune')
		flags='--unnamed --named --all --dry-run --no-header --no-trunc'
		values='--keep-last --older-than --label --environment -E --fields'
		operands=() ;;
	'snapshot delete')
		flags='--recursive -r --dry-run --yes -y --no-header --no-trunc'
		values='--fields'
		operands=('*snapshot' ) ;;
	'branch')
		subs='create list show tree exec diff compare merge promote delete'
		flags='--compare --no-header --no-trunc --allow-degraded'
		values='--count -c --branch -b --jobs -j --metric --fields --env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io'
		operands=('snapshot' '+.' ) ;;
	'branch create')
		flags='--compare --no-header --no-trunc --allow-degraded'
		values='--count -c --branch -b --jobs -j --metric --fields --env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io'
		operands=('snapshot' '+.' ) ;;
	'branch list')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'branch show')
		flags=''
		values=''
		operands=('branch' ) ;;
	'branch tree')
		flags=''
		values=''
		operands=() ;;
	'branch exec')
		flags='--allow-degraded --tty --no-tty -t -T --no-stdin -n --detach -d --log'
		values='--env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io --status-fd --status-file --id-file'
		operands=('branch' '+.' ) ;;
	'branch diff')
		flags='--patch -p --stat --name-only --no-header --no-trunc'
		values='--fields'
		operands=('branch' 'branch' '+.' ) ;;
	'branch compare')
		flags='--no-header --no-trunc'
		values='--metric --fields'
		operands=('*branch' ) ;;
	'branch merge')
		flags='--dry-run --no-header --no-trunc'
		values='--into --to -t --path --strategy -s --conflict --name -n --comment -m --fields'
		operands=('*branch' ) ;;
	'branch promote')
		flags='--keep -k'
		values='--comment -m'
		operands=('branch' '.' ) ;;
	'branch delete')
		flags=''
		values=''
		operands=('*branch' ) ;;
	'instance')
		subs='start run list show exec logs wait events port-forward update pause resume stop restart terminate'
		flags=''
		values=''
		operands=() ;;
	'instance start')
		flags='--rm --allow-degraded'
		values='--env -E --snapshot -s --name --label --port --env-var -e --env-file --workdir -w --user -u --ttl --auto-stop --restart --network --grace --memory --cpus --pids --io'
		operands=('+.' ) ;;
	'instance run')
		flags='--keep --rm --allow-degraded'
		values='--service --for --ready-timeout --timeout --env -E --snapshot -s --name --label --port --env-var -e --env-file --workdir -w --user -u --ttl --auto-stop --restart --network --grace --memory --cpus --pids --io'
		operands=('+.' ) ;;
	'instance list')
		flags='--all -a --no-header --no-trunc'
		values='--state -s --environment -E --name --label --fields'
		operands=() ;;
	'instance show')
		flags=''
		values=''
		operands=('instance' ) ;;
	'instance exec')
		flags='--tty --no-tty -t -T --no-stdin -n --detach -d --log'
		values='--language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --timeout --grace --status-fd --status-file --id-file'
		operands=('instance' '+.' ) ;;
	'instance logs')
		flags='--follow -f --timestamps -t'
		values='--from --tail -n --since --stream'
		operands=('instance' ) ;;
	'instance wait')
		flags=''
		values='--for --timeout'
		operands=('instance' ) ;;
	'instance events')
		flags='--follow -f --no-header --no-trunc'
		values='--fields'
		operands=('instance' ) ;;
	'instance port-forward')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=('instance' '*.' ) ;;
	'instance update')
		flags='--rm --no-rm'
		values='--name --label --ttl --auto-stop --restart'
		operands=('instance' ) ;;
	'instance pause')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=('*instance' ) ;;
	'instance resume')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=('*instance' ) ;;
	'instance stop')
		flags='--no-header --no-trunc'
		values='--grace --fields'
		operands=('*instance' ) ;;
	'instance restart')
		flags='--no-header --no-trunc'
		values='--grace --fields'
		operands=('*instance' ) ;;
	'instance terminate')
		flags='--no-header --no-trunc'
		values='--grace --fields'
		operands=('*instance' ) ;;
	'chain')
		subs='list show delete prune'
		flags='--no-cache --explain'
		values='--base -b --run -r --copy -c --set -e --workdir -w --user -u --network --timeout --memory --cpus --pids --disk --name'
		operands=('file' ) ;;
	'chain list')
		flags='--no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'chain show')
		flags=''
		values=''
		operands=('.' ) ;;
	'chain delete')
		flags=''
		values=''
		operands=('.' ) ;;
	'chain prune')
		flags='--dry-run --yes -y'
		values='--keep-last --older-than'
		operands=() ;;
	'try')
		flags='--review --yes -y --allow-degraded --tty --no-tty -t -T --no-stdin -n --detach -d --log'
		values='--env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io --status-fd --status-file --id-file'
		operands=('branch' '+.' ) ;;
	'race')
		flags='--keep -k --no-header --no-trunc --allow-degraded'
		values='--count -c --branch -b --jobs -j --metric --best --fields --env -E --mode -m --language -l --env-var -e --env-file --workdir -w --user -u --file -f --artifact -a --artifact-dir --name --label --parent -p --snapshot -s --snapshot-ttl --network --timeout --grace --memory --cpus --pids --disk --io'
		operands=('snapshot' '+.' ) ;;
	'map')
		flags='--null -0 --stream --keep -k --ordered --as-completed --tag --resume --resume-failed --allow-degraded'
		values='--arg-file -a --replace -I --jobs -j --branch -b --output-limit --reduce --halt --retries --joblog --language -l --env-var -e --env-file --workdir -w --user -u --file -f --label --network --timeout --grace --memory --cpus --pids --disk --io'
		operands=('snapshot' '+.' ) ;;
	'compare')
		flags='--no-header --no-trunc'
		values='--metric --fields'
		operands=('*branch' ) ;;
	'merge')
		flags='--dry-run --no-header --no-trunc'
		values='--into --to -t --path --strategy -s --conflict --name -n --comment -m --fields'
		operands=('*branch' ) ;;
	'diff')
		flags='--patch -p --stat --name-only --no-header --no-trunc'
		values='--fields'
		operands=('branch' 'branch' '+.' ) ;;
	'language')
		subs='list show'
		flags=''
		values=''
		operands=() ;;
	'language list')
		flags='--works -w --no-header --no-trunc'
		values='--env -E --fields'
		operands=() ;;
	'language show')
		flags=''
		values='--env -E'
		operands=('language' ) ;;
	'executor')
		subs='run start stop status'
		flags=''
		values=''
		operands=() ;;
	'executor run')
		flags='--on-demand'
		values='--state-dir --idle-timeout --pool --max-runs'
		operands=() ;;
	'executor start')
		flags=''
		values=''
		operands=() ;;
	'executor stop')
		flags='--now --no-wait'
		values=''
		operands=() ;;
	'executor status')
		flags=''
		values=''
		operands=() ;;
	'doctor')
		flags='--repair --dry-run'
		values='--state'
		operands=('+.' ) ;;
	'completion')
		flags=''
		values=''
		operands=('=bash zsh' ) ;;
	'config')
		subs='list get set unset'
		flags=''
		values=''
		operands=() ;;
	'config list')
		flags='--all -a --show-origin --no-header --no-trunc'
		values='--fields'
		operands=() ;;
	'config get')
		flags=''
		values=''
		operands=('config' ) ;;
	'config set')
		flags='--user --project --system'
		values=''
		operands=('config' '.' ) ;;
	'config unset')
		flags='--user --project --system'
		values=''
		operands=('config' ) ;;
	'version')
		flags=''
		values=''
		operands=() ;;
	'help')
		flags='--all -a --tree'
		values=''
		operands=('*subcommand' ) ;;
	esac
}

# <path> <option>: sets the kind of its value
_faas_kind() {
	kind=.
	case "$1 $2" in
	'execute --env' | 'execute -E') kind='environment' ;;
	'execute --mode' | 'execute -m') kind='=ephemeral cached branched' ;;
	'execute --language' | 'execute -l') kind='language' ;;
	'execute --env-var' | 'execute -e') kind='variable' ;;
	'execute --env-file') kind='file' ;;
	'execute --user' | 'execute -u') kind='user' ;;
	'execute --file' | 'execute -f') kind='file' ;;
	'execute --artifact-dir') kind='dir' ;;
	'execute --parent' | 'execute -p') kind='snapshot' ;;
	'execute --network') kind='=none nat host' ;;
	'execute --status-file') kind='file' ;;
	'execute --id-file') kind='file' ;;
	'execution list --state' | 'execution list -s') kind='=queued running exited failed lost' ;;
	'execution list --environment' | 'execution list -E') kind='environment' ;;
	'execution list --before') kind='execution' ;;
	'execution logs --stream') kind='=stdout stderr' ;;
	'batch --joblog') kind='file' ;;
	'batch --env' | 'batch -E') kind='environment' ;;
	'batch --mode' | 'batch -m') kind='=ephemeral cached branched' ;;
	'batch --language' | 'batch -l') kind='language' ;;
	'batch --user' | 'batch -u') kind='user' ;;
	'batch --network') kind='=none nat host' ;;
	'env create --env-var' | 'env create -e') kind='variable' ;;
	'env create --user' | 'env create -u') kind='user' ;;
	'env create --cache') kind='=none normal aggressive' ;;
	'env create --language' | 'env create -l') kind='language' ;;
	'env create --progress') kind='=auto plain json none' ;;
	'env create --ca-file') kind='file' ;;
	'env build --base' | 'env build -b') kind='environment' ;;
	'env build --copy' | 'env build -c') kind='file' ;;
	'env build --variable' | 'env build -e') kind='variable' ;;
	'env build --user' | 'env build -u') kind='user' ;;
	'env build --network') kind='=none nat host' ;;
	'env build --file' | 'env build -f') kind='file' ;;
	'env build --cache') kind='=none normal aggressive' ;;
	'env build --language' | 'env build -l') kind='language' ;;
	'env build --progress') kind='=auto plain json none' ;;
	'env build --ca-file') kind='file' ;;
	'env pull --env-var' | 'env pull -e') kind='variable' ;;
	'env pull --user' | 'env pull -u') kind='user' ;;
	'env pull --cache') kind='=none normal aggressive' ;;
	'env pull --language' | 'env pull -l') kind='language' ;;
	'env pull --progress') kind='=auto plain json none' ;;
	'env pull --ca-file') kind='file' ;;
	'env update --env-var' | 'env update -e') kind='variable' ;;
	'env update --user' | 'env update -u') kind='user' ;;
	'env update --cache') kind='=none normal aggressive' ;;
	'env update --language' | 'env update -l') kind='language' ;;
	'env update --unset') kind='variable' ;;
	'env export --format') kind='=tar tar.gz tar.zst oci oci-archive' ;;
	'env login --ca-file') kind='file' ;;
	'snapshot create --execution' | 'snapshot create -x') kind='execution' ;;
	'snapshot create --branch' | 'snapshot create -b') kind='branch' ;;
	'snapshot create --environment' | 'snapshot create -E') kind='environment' ;;
	'snapshot create --instance' | 'snapshot create -i') kind='instance' ;;
	'snapshot create --snapshot') kind='snapshot' ;;
	'snapshot list --environment' | 'snapshot list -E') kind='environment' ;;
	'snapshot list --sort') kind='=created name size' ;;
	'snapshot exec --env' | 'snapshot exec -E') kind='environment' ;;
	'snapshot exec --mode' | 'snapshot exec -m') kind='=ephemeral cached branched' ;;
	'snapshot exec --language' | 'snapshot exec -l') kind='language' ;;
	'snapshot exec --env-var' | 'snapshot exec -e') kind='variable' ;;
	'snapshot exec --env-file') kind='file' ;;
	'snapshot exec --user' | 'snapshot exec -u') kind='user' ;;
	'snapshot exec --file' | 'snapshot exec -f') kind='file' ;;
	'snapshot exec --artifact-dir') kind='dir' ;;
	'snapshot exec --parent' | 'snapshot exec -p') kind='snapshot' ;;
	'snapshot exec --network') kind='=none nat host' ;;
	'snapshot exec --status-file') kind='file' ;;
	'snapshot exec --id-file') kind='file' ;;
	'snapshot restore --branch' | 'snapshot restore -b') kind='branch' ;;
	'snapshot export --since') kind='snapshot' ;;
	'snapshot export --sign') kind='file' ;;
	'snapshot import --environment' | 'snapshot import -E') kind='environment' ;;
	'snapshot import --verify') kind='file' ;;
	'snapshot prune --environment' | 'snapshot prune -E') kind='environment' ;;
	'branch --env' | 'branch -E') kind='environment' ;;
	'branch --mode' | 'branch -m') kind='=ephemeral cached branched' ;;
	'branch --language' | 'branch -l') kind='language' ;;
	'branch --env-var' | 'branch -e') kind='variable' ;;
	'branch --env-file') kind='file' ;;
	'branch --user' | 'branch -u') kind='user' ;;
	'branch --file' | 'branch -f') kind='file' ;;
	'branch --artifact-dir') kind='dir' ;;
	'branch --parent' | 'branch -p') kind='snapshot' ;;
	'branch --network') kind='=none nat host' ;;
	'branch create --env' | 'branch create -E') kind='environment' ;;
	'branch create --mode' | 'branch create -m') kind='=ephemeral cached branched' ;;
	'branch create --language' | 'branch create -l') kind='language' ;;
	'branch create --env-var' | 'branch create -e') kind='variable' ;;
	'branch create --env-file') kind='file' ;;
	'branch create --user' | 'branch create -u') kind='user' ;;
	'branch create --file' | 'branch create -f') kind='file' ;;
	'branch create --artifact-dir') kind='dir' ;;
	'branch create --parent' | 'branch create -p') kind='snapshot' ;;
	'branch create --network') kind='=none nat host' ;;
	'branch exec --env' | 'branch exec -E') kind='environment' ;;
	'branch exec --mode' | 'branch exec -m') kind='=ephemeral cached branched' ;;
	'branch exec --language' | 'branch exec -l') kind='language' ;;
	'branch exec --env-var' | 'branch exec -e') kind='variable' ;;
	'branch exec --env-file') kind='file' ;;
	'branch exec --user' | 'branch exec -u') kind='user' ;;
	'branch exec --file' | 'branch exec -f') kind='file' ;;
	'branch exec --artifact-dir') kind='dir' ;;
	'branch exec --parent' | 'branch exec -p') kind='snapshot' ;;
	'branch exec --network') kind='=none nat host' ;;
	'branch exec --status-file') kind='file' ;;
	'branch exec --id-file') kind='file' ;;
	'branch merge --into') kind='branch' ;;
	'branch merge --to' | 'branch merge -t') kind='dir' ;;
	'branch merge --strategy' | 'branch merge -s') kind='=three-way union intersection latest ours theirs' ;;
	'branch merge --conflict') kind='=none merge diff3' ;;
	'instance start --env' | 'instance start -E') kind='environment' ;;
	'instance start --snapshot' | 'instance start -s') kind='snapshot' ;;
	'instance start --env-var' | 'instance start -e') kind='variable' ;;
	'instance start --env-file') kind='file' ;;
	'instance start --user' | 'instance start -u') kind='user' ;;
	'instance start --network') kind='=none nat host' ;;
	'instance run --env' | 'instance run -E') kind='environment' ;;
	'instance run --snapshot' | 'instance run -s') kind='snapshot' ;;
	'instance run --env-var' | 'instance run -e') kind='variable' ;;
	'instance run --env-file') kind='file' ;;
	'instance run --user' | 'instance run -u') kind='user' ;;
	'instance run --network') kind='=none nat host' ;;
	'instance list --environment' | 'instance list -E') kind='environment' ;;
	'instance exec --language' | 'instance exec -l') kind='language' ;;
	'instance exec --env-var' | 'instance exec -e') kind='variable' ;;
	'instance exec --env-file') kind='file' ;;
	'instance exec --user' | 'instance exec -u') kind='user' ;;
	'instance exec --file' | 'instance exec -f') kind='file' ;;
	'instance exec --artifact-dir') kind='dir' ;;
	'instance exec --status-file') kind='file' ;;
	'instance exec --id-file') kind='file' ;;
	'instance logs --stream') kind='=stdout stderr' ;;
	'chain --base' | 'chain -b') kind='environment' ;;
	'chain --copy' | 'chain -c') kind='file' ;;
	'chain --set' | 'chain -e') kind='variable' ;;
	'chain --user' | 'chain -u') kind='user' ;;
	'chain --network') kind='=none nat host' ;;
	'try --env' | 'try -E') kind='environment' ;;
	'try --mode' | 'try -m') kind='=ephemeral cached branched' ;;
	'try --language' | 'try -l') kind='language' ;;
	'try --env-var' | 'try -e') kind='variable' ;;
	'try --env-file') kind='file' ;;
	'try --user' | 'try -u') kind='user' ;;
	'try --file' | 'try -f') kind='file' ;;
	'try --artifact-dir') kind='dir' ;;
	'try --parent' | 'try -p') kind='snapshot' ;;
	'try --network') kind='=none nat host' ;;
	'try --status-file') kind='file' ;;
	'try --id-file') kind='file' ;;
	'race --best') kind='=max min' ;;
	'race --env' | 'race -E') kind='environment' ;;
	'race --mode' | 'race -m') kind='=ephemeral cached branched' ;;
	'race --language' | 'race -l') kind='language' ;;
	'race --env-var' | 'race -e') kind='variable' ;;
	'race --env-file') kind='file' ;;
	'race --user' | 'race -u') kind='user' ;;
	'race --file' | 'race -f') kind='file' ;;
	'race --artifact-dir') kind='dir' ;;
	'race --parent' | 'race -p') kind='snapshot' ;;
	'race --network') kind='=none nat host' ;;
	'map --arg-file' | 'map -a') kind='file' ;;
	'map --joblog') kind='file' ;;
	'map --language' | 'map -l') kind='language' ;;
	'map --env-var' | 'map -e') kind='variable' ;;
	'map --env-file') kind='file' ;;
	'map --user' | 'map -u') kind='user' ;;
	'map --file' | 'map -f') kind='file' ;;
	'map --network') kind='=none nat host' ;;
	'merge --into') kind='branch' ;;
	'merge --to' | 'merge -t') kind='dir' ;;
	'merge --strategy' | 'merge -s') kind='=three-way union intersection latest ours theirs' ;;
	'merge --conflict') kind='=none merge diff3' ;;
	'language list --env' | 'language list -E') kind='environment' ;;
	'language show --env' | 'language show -E') kind='environment' ;;
	'executor run --state-dir') kind='dir' ;;
	'doctor --state') kind='dir' ;;
	*' --context') kind='context' ;;
	*' --chdir' | *' -C') kind='dir' ;;
	*' --color') kind='=auto always never' ;;
	esac
}

# <words>: offers those that begin with $cur
_faas_words() {
	local IFS=$' \t\n'
	COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

# <lines>: the same, one a line, each up to its tab
_faas_lines() {
	local line
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		[[ $line && $line == "$cur"* ]] && COMPREPLY+=("$line")
	done <<<"$1"
}

# <kind>: offers values of that kind
_faas_value() {
	local IFS=$'\n'
	case $1 in
	.) ;;
	=*) _faas_words "${1#=}" ;;
	file) COMPREPLY+=($(compgen -f -- "$cur")) ;;
	dir) COMPREPLY+=($(compgen -d -- "$cur")) ;;
	user) COMPREPLY+=($(compgen -u -- "$cur")) ;;
	variable) COMPREPLY+=($(compgen -v -S = -- "$cur")) ;;
	command) COMPREPLY+=($(compgen -c -- "$cur") $(compgen -f -- "$cur")) ;;
	*) _faas_lines "$(faas __names "$1" 2>/dev/null </dev/null)" ;;
	esac
	case $1 in
	file | dir | command) compopt -o filenames 2>/dev/null ;;
	variable) compopt -o nospace 2>/dev/null ;;
	esac
}

# readline splits at '=' and ':'; sets words and cur to what the user sees
_faas_join() {
	local i glue=''
	words=("${COMP_WORDS[0]}")
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if [[ $glue || ${COMP_WORDS[i]} == [=:]* ]]; then
			words[${#words[@]} - 1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
		glue=''
		[[ ${COMP_WORDS[i]} == *[=:] ]] && glue=1
	done
	cur=${words[${#words[@]} - 1]}
}

# walks the words before the last one; sets path and the rest of what is known
_faas_walk() {
	local i word n=${#words[@]}
	for ((i = 1; i < n - 1; i++)); do
		word=${words[i]}
		if [[ ! $literal && $word == -- ]]; then
			literal=1
		elif [[ ! $literal && $word == -?* ]]; then
			[[ " $values $global_values " == *" $word "* ]] || continue
			((++i == n - 1)) && wanted=$word
		elif [[ ! $literal && $subs ]] && _faas_command "$path" "$word"; then
			_faas_about "$path"
		else
			((++seen))
			if [[ ${operands[seen - 1]-} == +* ]]; then
				foreign=arguments
			elif [[ ${operands[seen]-} == +* ]]; then
				[[ ${words[i + 1]} == -- ]] && ((i + 1 < n - 1)) && ((i++))
				foreign=arguments
				((i + 1 == n - 1)) && foreign=first
			fi
			[[ ! $foreign ]] || return 0
		fi
	done
}

# options, commands and operands that may come here
_faas_here() {
	local kind=${operands[seen]-}
	if [[ $cur == -* && ! $literal ]]; then
		_faas_words "$flags $values $global_flags $global_values"
		return
	fi
	if [[ $subs && ! $seen -gt 0 ]]; then
		_faas_words "$subs"
		[[ $path ]] || _faas_lines "$(compgen -c faas- | cut -c6-)"
		[[ $path ]] || _faas_lines "$(faas __names subcommand 2>/dev/null </dev/null)"
	fi
	# a list goes on with its last kind
	[[ ! $kind && ${#operands[@]} -gt 0 && ${operands[${#operands[@]} - 1]} == '*'* ]] &&
		kind=${operands[${#operands[@]} - 1]}
	[[ $kind == +* && $literal ]] && kind='command'
	[[ $kind ]] && _faas_value "${kind#[*+]}"
}

_faas() {
	local cur words path='' subs flags values operands global_flags global_values
	local literal='' wanted='' foreign='' seen=0 kind start
	COMPREPLY=()
	_faas_join
	_faas_about ''
	_faas_walk
	if [[ $foreign == first ]]; then
		_faas_value command
	elif [[ $foreign ]]; then
		_faas_value file
	elif [[ $wanted ]]; then
		_faas_kind "$path" "$wanted"
		_faas_value "$kind"
	elif [[ ! $literal && $cur == --*=* ]]; then
		_faas_kind "$path" "${cur%%=*}"
		start=${cur%%=*}=
		cur=${cur#*=}
		_faas_value "$kind"
		# readline has the part before '=' already
		[[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$start}")
		start=
	else
		_faas_here
	fi
	# and the part before ':'
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		start=${cur%"${cur##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$start"}")
	fi
	local IFS=$'\n'
	COMPREPLY=($(printf '%s\n' "${COMPREPLY[@]}" | sort -u))
}

complete -F _faas faas
