/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* finding_table.h - everything that a doctor can find, a row each. The terminal's text, the page
 * and docs/doctor.md are all this table.
 *
 * ROW(ID, "id", LEVEL, title, title in Chinese, remedy, remedy in Chinese)
 *
 *   LEVEL   FINE: as it should be; NOTE: good to know; WARNING: it will hurt some day;
 *           BROKEN: it does not work
 *   remedy  empty where there is nothing to do */
#ifndef DOCTOR_FINDING_TABLE_H
#define DOCTOR_FINDING_TABLE_H

/* clang-format off */
#define FINDING_TABLE(ROW) \
    /* the options */ \
    ROW(NO_KEYS, "no-keys", NOTE, \
        "The server has no Gemini API key: every client brings its own.", \
        "服务器没有 Gemini API key：每个客户端需自带 key。", \
        "Set GEMINI_API_KEY or GEMINI_API_KEYS_FILE, unless that is what you want.", \
        "如果这不是你想要的，请设置 GEMINI_API_KEY 或 GEMINI_API_KEYS_FILE。") \
    ROW(NO_KEYS_TOKEN, "token-without-keys", BROKEN, \
        "There is an AUTH_TOKEN but no Gemini API key: nobody can be served.", \
        "设置了 AUTH_TOKEN 却没有 Gemini API key：无法提供服务。", \
        "Set GEMINI_API_KEY; get a key at https://aistudio.google.com/apikey.", \
        "请设置 GEMINI_API_KEY；可在 https://aistudio.google.com/apikey 申请。") \
    ROW(NO_TOKEN, "no-token", BROKEN, \
        "There are keys but no AUTH_TOKEN: every request gets a 401.", \
        "有 key 却没有 AUTH_TOKEN：所有请求都会得到 401。", \
        "Set AUTH_TOKEN to a long random text and give it to your clients as their API key.", \
        "请把 AUTH_TOKEN 设为一段足够长的随机文字，客户端把它当作 API key 使用。") \
    ROW(OPEN_TO_ALL, "open-to-all", WARNING, \
        "QUEQIAO_ALLOW_ANONYMOUS is on: whoever finds the address spends your keys.", \
        "QUEQIAO_ALLOW_ANONYMOUS 已打开：任何知道地址的人都能消耗你的 key。", \
        "Set AUTH_TOKEN and remove QUEQIAO_ALLOW_ANONYMOUS.", \
        "请设置 AUTH_TOKEN，并去掉 QUEQIAO_ALLOW_ANONYMOUS。") \
    ROW(WEAK_TOKEN, "weak-token", WARNING, \
        "A token is shorter than 16 characters and can be guessed.", \
        "有 AUTH_TOKEN 短于 16 个字符，容易被猜中。", \
        "Use a random one, as `openssl rand -hex 24` prints.", \
        "请使用随机串，例如 `openssl rand -hex 24` 的输出。") \
    ROW(PLAIN_UPSTREAM, "plain-upstream", WARNING, \
        "GEMINI_BASE_URL is http:// to another machine: keys and prompts travel in the clear.", \
        "GEMINI_BASE_URL 是指向另一台机器的 http://：key 和内容以明文传输。", \
        "Use https://.", "请改用 https://。") \
    ROW(CERT_EXPIRED, "cert-expired", BROKEN, \
        "The certificate that clients see has expired: they refuse it.", \
        "客户端看到的证书已过期，会被拒绝。", \
        "Renew the file of QUEQIAO_TLS_CERT, then send SIGHUP.", \
        "请更新 QUEQIAO_TLS_CERT 的证书文件，然后发送 SIGHUP。") \
    ROW(CERT_EXPIRING, "cert-expiring", WARNING, \
        "The certificate that clients see expires soon.", \
        "客户端看到的证书即将过期。", \
        "Renew the file of QUEQIAO_TLS_CERT, then send SIGHUP.", \
        "请更新 QUEQIAO_TLS_CERT 的证书文件，然后发送 SIGHUP。") \
    /* the road to upstream */ \
    ROW(UPSTREAM_OK, "upstream-ok", FINE, \
        "Upstream can be reached.", "可以连到上游。", "", "") \
    ROW(DNS_FAILED, "dns-failed", BROKEN, \
        "The name of upstream cannot be resolved.", "无法解析上游的域名。", \
        "See that the host has a working resolver (/etc/resolv.conf), and that internet access is " \
        "on for the function.", \
        "请确认主机的 DNS 可用（/etc/resolv.conf），函数已打开公网访问。") \
    ROW(CONNECT_FAILED, "connect-failed", BROKEN, \
        "No TCP connection to upstream.", "无法与上游建立 TCP 连接。", \
        "From mainland China Google cannot be reached: move to Tokyo, Singapore, Seoul, Frankfurt, " \
        "London, Virginia or Silicon Valley, name a proxy in HTTPS_PROXY, or set GEMINI_BASE_URL to a " \
        "relay. Elsewhere look at the firewall.", \
        "中国内地无法连到 Google：请换到东京、新加坡、首尔、法兰克福、伦敦、弗吉尼亚或硅谷，" \
        "或在 HTTPS_PROXY 里写一个代理，或用 GEMINI_BASE_URL 指向中转地址。在其他地区请检查防火墙。") \
    ROW(TLS_FAILED, "tls-failed", BROKEN, \
        "The TLS handshake with upstream failed.", "与上游的 TLS 握手失败。", \
        "If a proxy of yours ends TLS, name its CA in SSL_CERT_FILE; see that the clock is right; " \
        "if neither is the case, somebody interferes with the connection.", \
        "如果有自己的代理解开 TLS，请把它的 CA 放进 SSL_CERT_FILE；检查系统时钟；" \
        "若都不是，说明连接受到干扰。") \
    ROW(PROXY_OK, "proxy-ok", FINE, \
        "Upstream can be reached through the proxy.", "可以通过代理连到上游。", "", "") \
    ROW(PROXY_FAILED, "proxy-failed", BROKEN, \
        "The proxy on the way to upstream failed.", "去往上游的代理不可用。", \
        "Check the proxy's address in HTTPS_PROXY or ALL_PROXY, or behind the key, and that it runs " \
        "and may connect to upstream.", \
        "请检查 HTTPS_PROXY、ALL_PROXY 或 key 后面所写的代理地址，并确认代理正在运行、允许连接上游。") \
    ROW(PROXY_LOGIN, "proxy-login", BROKEN, \
        "The proxy wants another user or password.", "代理不接受所给的用户名或密码。", \
        "Write them into the proxy's URL, http://user:password@host:port; characters such as @ : / , " \
        "as %40 %3A %2F %2C.", \
        "请写在代理 URL 里：http://用户名:密码@主机:端口；@ : / , 等字符要写成 %40 %3A %2F %2C。") \
    ROW(WAY_FAILED, "way-failed", WARNING, \
        "One of the ways out does not lead to upstream; another one is used.", \
        "其中一条出口无法到达上游；正在使用其他出口。", \
        "Mend it, or take it out of HTTPS_PROXY or ALL_PROXY.", \
        "请修复它，或从 HTTPS_PROXY、ALL_PROXY 中去掉。") \
    ROW(WAY_REFUSED, "way-refused", WARNING, \
        "Google refuses the location of one of the ways out; another one is used.", \
        "Google 不接受其中一条出口所在的地区；正在使用其他出口。", \
        "Replace it by one in another country, or take it out.", \
        "请换成其他国家的出口，或去掉它。") \
    ROW(NO_ANSWER, "no-answer", BROKEN, \
        "Upstream was reached but gave no answer.", "连上了上游，但没有得到应答。", \
        "Try again; if it stays, something between cuts the connection.", \
        "请重试；如果一直如此，说明中间有设备切断了连接。") \
    ROW(NOT_GEMINI, "not-gemini", BROKEN, \
        "What answers at GEMINI_BASE_URL is not the Gemini API.", \
        "GEMINI_BASE_URL 处应答的不是 Gemini API。", \
        "Check GEMINI_BASE_URL: scheme, host, port and path prefix.", \
        "请检查 GEMINI_BASE_URL 的协议、主机、端口和路径前缀。") \
    ROW(LOCATION_REFUSED, "location-refused", BROKEN, \
        "Google refuses the location that this server's address belongs to.", \
        "Google 不接受此服务器出口 IP 所在的地区。", \
        "Move the server (Hong Kong and mainland China are refused; some addresses in Singapore are " \
        "misjudged), name a proxy elsewhere in HTTPS_PROXY, or set GEMINI_BASE_URL to a relay. Other " \
        "keys do not help.", \
        "请把服务器换到其他地区（香港和内地都不行；新加坡有些 IP 会被误判），" \
        "或在 HTTPS_PROXY 里写一个其他地区的代理，或用 GEMINI_BASE_URL 指向中转地址。换 key 没有用。") \
    ROW(CLOCK_SKEW, "clock-skew", WARNING, \
        "The clock of this machine differs from upstream's.", "本机时钟与上游相差较大。", \
        "Set the clock (NTP): certificates and daily quotas depend on it.", \
        "请校准时钟（NTP）：证书和每日配额都依赖它。") \
    /* keys and models */ \
    ROW(KEY_OK, "key-ok", FINE, "The key is valid.", "key 有效。", "", "") \
    ROW(KEY_INVALID, "key-invalid", BROKEN, \
        "Google does not know the key.", "Google 不认识这个 key。", \
        "Copy it again from https://aistudio.google.com/apikey, without blanks.", \
        "请到 https://aistudio.google.com/apikey 重新复制，注意不要带空格。") \
    ROW(KEY_FORBIDDEN, "key-forbidden", BROKEN, \
        "Google refuses the key: suspended, restricted, or the API is not enabled.", \
        "Google 拒绝了这个 key：被停用、被限制，或项目没有启用此 API。", \
        "Look at the key's restrictions and its project in Google AI Studio, or replace it.", \
        "请在 Google AI Studio 查看 key 的限制和所属项目，或换一个。") \
    ROW(KEY_LEAKED, "key-leaked", BROKEN, \
        "Google has blocked the key: it was found in public.", "Google 已封禁这个 key：它被公开泄露了。", \
        "Make a new key in Google AI Studio, delete this one, and see where it got out.", \
        "请在 Google AI Studio 新建一个 key 并删除这个，同时查清是从哪里泄露的。") \
    ROW(KEY_CREDIT, "key-credit", BROKEN, \
        "The key's prepaid credit is used up.", "这个 key 的预付额度已用完。", \
        "Top up in Google AI Studio, or replace the key.", "请在 Google AI Studio 充值，或换一个 key。") \
    ROW(KEY_LIMITED, "key-limited", WARNING, \
        "The key is over its quota now.", "这个 key 目前超出配额。", \
        "It is used again by itself when the quota is back; more keys of other projects help.", \
        "配额恢复后会自动继续使用；再加几个其他项目的 key 会更好。") \
    ROW(KEY_COOLING, "key-cooling", NOTE, \
        "The server lets a key, or a model's quota, rest at the moment.", \
        "服务器目前让某个 key 或某个模型的配额休息。", "", "") \
    ROW(WAY_RESTING, "way-resting", NOTE, \
        "The server avoids a way out at the moment.", "服务器目前避开某条出口。", "", "") \
    ROW(QUOTA_KNOWN, "quota-known", NOTE, \
        "What is known of a quota: spent, of what Google allows; its size tells the tier.", \
        "已知的配额：已用量与 Google 的上限；从上限大小可看出层级。", "", "") \
    ROW(KEY_UNCLEAR, "key-unclear", WARNING, \
        "Whether the key is good could not be told.", "无法判断这个 key 是否可用。", \
        "Try again in a minute.", "请过一分钟再试。") \
    ROW(KEYS_UNASKED, "keys-unasked", NOTE, \
        "Only the first keys were tried.", "只检查了前面的一部分 key。", "", "") \
    ROW(NO_GOOD_KEY, "no-good-key", BROKEN, \
        "None of the server's keys is usable.", "服务器没有任何可用的 key。", \
        "See what is said about each key.", "请看各个 key 的说明。") \
    ROW(MODEL_OK, "model-ok", FINE, "The model answers.", "模型可用。", "", "") \
    ROW(MODEL_MISSING, "model-missing", BROKEN, \
        "There is no such model for this key.", "这个 key 没有这个模型。", \
        "GET /v1/models lists what there is.", "用 GET /v1/models 查看可用的模型。") \
    ROW(MODEL_REFUSED, "model-refused", BROKEN, \
        "The model did not answer.", "模型没有应答。", \
        "What Google said stands beside it.", "请看旁边 Google 的说明。") \
    ROW(NO_MODEL_ASKED, "no-model-asked", NOTE, \
        "No model was tried.", "没有检查任何模型。", \
        "Name some: `queqiao doctor MODEL ...` or /doctor?model=MODEL. It costs a few tokens.", \
        "可指定模型：`queqiao doctor 模型名 ...` 或 /doctor?model=模型名，会消耗少量 token。") \
    ROW(UPSTREAM_BUFFERED, "upstream-buffered", WARNING, \
        "Upstream's stream arrived in one piece: something on the way gathers it.", \
        "上游的流式数据一次性到达：中途有设备在缓冲。", \
        "If GEMINI_BASE_URL is a relay, turn its buffering off (nginx: proxy_buffering off).", \
        "如果 GEMINI_BASE_URL 指向中转，请关闭它的缓冲（nginx：proxy_buffering off）。") \
    ROW(UPSTREAM_STREAMS, "upstream-streams", FINE, \
        "Upstream's stream arrives piece by piece.", "上游的流式数据逐段到达。", "", "") \
    /* this machine */ \
    ROW(FEW_FILES, "few-files", WARNING, \
        "The process may open few files: each client and each connection upstream is one.", \
        "进程可打开的文件数太少：每个客户端和每条上游连接各占一个。", \
        "Raise the limit (ulimit -n, LimitNOFILE=) to 65536.", \
        "请把上限（ulimit -n、LimitNOFILE=）提高到 65536。") \
    ROW(LITTLE_MEMORY, "little-memory", WARNING, \
        "There is less memory than the largest requests take.", \
        "内存小于最大请求所需。", \
        "Give it 256 MB or more for large pictures, or lower QUEQIAO_MAX_BODY.", \
        "如需处理大图片，请给 256 MB 以上内存，或调低 QUEQIAO_MAX_BODY。") \
    ROW(BUDGET_OVER_MEMORY, "budget-over-memory", WARNING, \
        "QUEQIAO_MEMORY_BUDGET is more than the machine grants.", \
        "QUEQIAO_MEMORY_BUDGET 大于机器给的内存。", \
        "Leave it unset: three quarters of what there is are used then.", \
        "请不要设置它：默认使用可用内存的四分之三。") \
    ROW(RUNS_AS_ROOT, "runs-as-root", NOTE, \
        "The process runs as root.", "进程以 root 身份运行。", \
        "On a machine of your own use the systemd unit or the container image, which do not.", \
        "在自己的机器上请用 systemd 单元或容器镜像，它们不用 root。") \
    /* the platform */ \
    ROW(PLATFORM, "platform", FINE, "The platform was recognised.", "已识别运行平台。", "", "") \
    ROW(REGION_REFUSED, "region-refused", BROKEN, \
        "The function runs in a region that Google refuses or that cannot reach it.", \
        "函数所在地域被 Google 拒绝或无法访问 Google。", \
        "Deploy to ap-northeast-1 (Tokyo), ap-southeast-1, ap-northeast-2, eu-central-1, eu-west-1, " \
        "us-east-1 or us-west-1.", \
        "请部署到 ap-northeast-1（东京）、ap-southeast-1、ap-northeast-2、eu-central-1、eu-west-1、" \
        "us-east-1 或 us-west-1。") \
    ROW(TIMEOUT_TINY, "timeout-tiny", BROKEN, \
        "The function's timeout ends most answers.", "函数的执行超时会切断大部分回答。", \
        "Set the timeout to 600 s or more (3 s is the tools' default, 60 s the console's).", \
        "请把执行超时时间设为 600 秒以上（工具默认 3 秒，控制台默认 60 秒）。") \
    ROW(TIMEOUT_SHORT, "timeout-short", WARNING, \
        "The function's timeout ends long answers of thinking models.", \
        "函数的执行超时会切断思考模型的长回答。", \
        "Set the timeout to 600 s or more.", "请把执行超时时间设为 600 秒以上。") \
    ROW(CONCURRENCY_ONE, "concurrency-one", WARNING, \
        "Each instance serves one request at a time: it costs many times as much, and a client that " \
        "leaves restarts the instance.", \
        "每个实例同时只处理一个请求：费用成倍增加，客户端中断还会使实例重启。", \
        "Set the instance concurrency to 20 or more.", "请把单实例并发度设为 20 以上。") \
    ROW(CONCURRENCY_UNKNOWN, "concurrency-unknown", NOTE, \
        "An instance cannot see its own concurrency.", "实例自己看不到单实例并发度。", \
        "`queqiao doctor https://...` from another machine can tell.", \
        "可在另一台机器上运行 `queqiao doctor https://...` 来判断。") \
    ROW(CREDENTIALS_INJECTED, "credentials-injected", WARNING, \
        "The function has a role: temporary cloud credentials reach the process.", \
        "函数配置了角色：临时云凭证会传给进程。", \
        "Remove the role; queqiao needs none.", "请去掉函数角色；queqiao 不需要任何角色。") \
    /* end to end */ \
    ROW(GATE_OK, "gate-ok", FINE, "The deployment answers.", "部署的服务有应答。", "", "") \
    ROW(GATE_UNREACHED, "gate-unreached", BROKEN, \
        "The deployment cannot be reached from here.", "从这里连不到部署的服务。", \
        "Check the address; for the default domain of a function see that its public URL is on.", \
        "请检查地址；如果用函数的默认域名，请确认公网访问已开启。") \
    ROW(GATE_FOREIGN, "gate-foreign", BROKEN, \
        "What answers there is not queqiao.", "那里应答的不是 queqiao。", \
        "Check the address and the trigger; 403 often means a method that the trigger does not list, " \
        "or a trigger that wants a signature.", \
        "请检查地址和触发器；403 通常是触发器没有勾选该方法，或触发器要求签名认证。") \
    ROW(GATE_TOKEN, "gate-token", BROKEN, \
        "The deployment does not take the token.", "部署的服务不接受这个令牌。", \
        "Set AUTH_TOKEN here to a token of the deployment.", \
        "请在本机把 AUTH_TOKEN 设为部署所用的令牌。") \
    ROW(GATE_STREAMS, "gate-streams", FINE, \
        "A stream arrives here piece by piece.", "流式数据逐段到达。", "", "") \
    ROW(GATE_BUFFERED, "gate-buffered", BROKEN, \
        "A stream arrives here in one piece: something between gathers it.", \
        "流式数据一次性到达：中途有设备在缓冲。", \
        "Turn buffering off in what stands before the server (nginx: proxy_buffering off; a CDN or API " \
        "gateway: its switch for SSE), or use the function's own address.", \
        "请关闭服务前面设备的缓冲（nginx：proxy_buffering off；CDN 或 API 网关：打开 SSE 支持），" \
        "或直接使用函数的地址。") \
    ROW(GATE_SLOW, "gate-slow", NOTE, \
        "A request to the deployment takes long, without upstream.", "访问部署的服务本身较慢。", \
        "A cold start, or a long way: the first request of an instance is slower.", \
        "可能是冷启动或距离远：实例的第一个请求较慢。")
/* clang-format on */

#endif
