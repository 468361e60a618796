import { readNginxLines } from "./nginx-lines.ts";

/**
 * What the edge guarantees to its users and the host, by the default settings: limits, times, and what it trusts of a
 * client's request.
 */
export const edge = readNginxLines(String.raw`
worker_rlimit_nofile 20000;
worker_shutdown_timeout 600s;
events {
  worker_connections 16384;
}
http {
  server_tokens off;
  map $request_uri $path {
    "~^(?<start>[!->@-~]{0,512})" $start;
  }
  map $request $method {
    "~^(?<verb>[!-~]{1,32}) " $verb;
  }
  map $refusal:$status $failure {
    default $refusal;
    "~^:" $upstream_http_x_berth_failure;
    :009 unreadable;
  }
  map $status $garbled_try {
    009 502;
  }
  map $status $status_number {
    "~^0*(?<number>\d+)$" $number;
  }
  access_log /var/log/berth/edge.log edge;
  map $status $has_failed {
    default 0;
    "~^5|009" 1;
  }
  access_log syslog:server=unix:/dev/log,nohostname,tag=failed edge if=$has_failed;
  limit_conn_zone $binary_remote_addr zone=connections:2m;
  limit_req_zone $binary_remote_addr zone=requests:2m rate=1000r/s;
  limit_conn connections 256;
  limit_req zone=requests burst=2000 nodelay;
  map $content_length$http_transfer_encoding $spooler {
    "~^\d{1,4}$" "";
    default $binary_remote_addr;
    "" "";
  }
  limit_conn_zone $spooler zone=bodies:1m;
  limit_conn bodies 10;
  limit_conn_status 429;
  limit_req_status 429;
  client_max_body_size 10m;
  large_client_header_buffers 4 8192;
  underscores_in_headers off;
  client_header_timeout 5s;
  client_body_timeout 30s;
  send_timeout 30s;
  keepalive_timeout 65s;
  reset_timedout_connection on;
  client_body_temp_path /var/spool/berth/body;
  proxy_temp_path /var/spool/berth/proxy;
  proxy_max_temp_file_size 1m;
  real_ip_header X-Forwarded-For;
  real_ip_recursive on;
  geo $realip_remote_addr $is_trusted {
    default 0;
  }
  map $http_x_forwarded_proto $told_proto {
    "" $http_cloudfront_forwarded_proto;
    default $http_x_forwarded_proto;
  }
  map $is_trusted:$told_proto $forwarded_proto {
    default $scheme;
    "~^1:(.*,)? *(?<near_proto>https?)$" $near_proto;
  }
  map $is_trusted:$forwarded_proto $usual_port {
    default $server_port;
    1:https 443;
  }
  map $is_trusted:$http_x_forwarded_port $forwarded_port {
    default $usual_port;
    "~^1:(.*,)? *(?<near_port>\d{1,5})$" $near_port;
  }
  map $is_trusted:$http_x_forwarded_host $forwarded_host {
    default $asked_host;
    "~^1:(.*,)? *(?<near_host>[A-Za-z0-9.:\[\]_-]{1,255})$" $near_host;
  }
  map $http_host $asked_host {
    "" $named_host;
    default $http_host;
  }
  map $host $named_host {
    _ $server_addr;
    default $host;
  }
  map $http_upgrade $upgrade {
    "~*^websocket$" websocket;
  }
  map $upgrade $connection_header {
    default close;
    websocket upgrade;
  }
  map $content_length:$upgrade $app_way {
    default @spooled;
    "~^\d{8,}:" @streamed;
    "~:websocket$" @websocket;
  }
  map $maintained $way {
    default $app_way;
    maintained @maintenance;
  }
  map $leaving$http_upgrade:$server_protocol $farewell {
    "~^leaving:HTTP/1" close;
  }
  map $refusal:$method $retry_after {
    "~^(unreached|spool|limit):" 5;
    "~^maintenance:" 120;
    "~^(cut|late):(GET|HEAD|OPTIONS)$" 5;
  }
  map $refusal $caching {
    default no-store;
    "" "";
  }
  map $upstream_bytes_sent:$upstream_http_x_berth_failure $unanswered {
    default @cut;
    "~^(0|-)?:" @unreached;
    ~:unreadable$ @unreadable;
  }
  map $http_x_request_id $request_ref {
    default $request_id;
    "~^[A-Za-z0-9._:-]{8,128}$" $http_x_request_id;
  }
  map $upstream_http_x_content_type_options $nosniff {
    "" nosniff;
  }
  map $upstream_http_x_frame_options$upstream_http_content_security_policy $frame_options {
    "" SAMEORIGIN;
  }
  map $upstream_http_referrer_policy $referrer_policy {
    "" strict-origin-when-cross-origin;
  }
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305;
  ssl_prefer_server_ciphers off;
  ssl_ecdh_curve X25519:prime256v1:secp384r1;
  ssl_session_tickets off;
  ssl_session_cache shared:tls:10m;
  ssl_session_timeout 1d;
  map $time_iso8601 $certificate {
    "~:[024]\d[+-]" even;
    default odd;
  }
  map $secured:$proto $to_https {
    http:http 1;
  }
  map $host $home {
    default $host;
  }
  map $scheme:$host $hsts {
    default "";
  }
  server {
    listen 443 ssl http2;
    ssl_reject_handshake on;
    location / {
      return 421;
    }
  }
  server {
    listen 80 default_server backlog=4096;
    listen 443 ssl http2 default_server backlog=4096;
    ssl_certificate /var/lib/berth-tls/$certificate.pem;
    ssl_certificate_key /var/lib/berth-tls/$certificate.pem;
    set $secured "";
    if (-f /var/lib/berth-tls/names/$home) {
      set $secured $scheme;
    }
    set $leaving "";
    if (-f /run/berth-leaving) {
      set $leaving leaving;
    }
    set $maintained "";
    if (-f /var/lib/berth/maintenance/page.html) {
      set $maintained maintained;
    }
    set $refusal "";
    set $own_tries "";
    set $proto $forwarded_proto;
    set $port $forwarded_port;
    set $host_told $forwarded_host;
    proxy_http_version 1.1;
    proxy_set_header Host $asked_host;
    proxy_set_header Upgrade $upgrade;
    proxy_set_header Connection $connection_header;
    proxy_set_header HTTP2-Settings "";
    proxy_set_header X-Request-ID $request_ref;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $proto;
    proxy_set_header X-Forwarded-Host $host_told;
    proxy_set_header X-Forwarded-Port $port;
    proxy_set_header Forwarded "";
    proxy_set_header Proxy "";
    proxy_set_header X-Forwarded "";
    proxy_set_header X-Forwarded-Server "";
    proxy_set_header X-Forwarded-By "";
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header X-Forwarded-Path "";
    proxy_set_header X-Forwarded-Uri "";
    proxy_set_header X-Forwarded-Method "";
    proxy_set_header X-Forwarded-Scheme "";
    proxy_set_header X-Forwarded-Protocol "";
    proxy_set_header X-Forwarded-Ssl "";
    proxy_set_header X-Forwarded-User "";
    proxy_set_header X-Forwarded-Email "";
    proxy_set_header X-Forwarded-Groups "";
    proxy_set_header X-Forwarded-Preferred-Username "";
    proxy_set_header X-Forwarded-Access-Token "";
    proxy_set_header X-Forwarded-Client-Cert "";
    proxy_set_header X-Forwarded-Tls-Client-Cert "";
    proxy_set_header X-Original-Forwarded-For "";
    proxy_set_header X-Original-Host "";
    proxy_set_header X-Original-URL "";
    proxy_set_header X-Original-URI "";
    proxy_set_header X-Original-Method "";
    proxy_set_header X-Rewrite-URL "";
    proxy_set_header X-URL-Scheme "";
    proxy_set_header X-HTTP-Method "";
    proxy_set_header X-HTTP-Method-Override "";
    proxy_set_header X-Method-Override "";
    proxy_set_header X-Client-IP "";
    proxy_set_header Client-IP "";
    proxy_set_header True-Client-IP "";
    proxy_set_header CF-Connecting-IP "";
    proxy_set_header X-Cluster-Client-IP "";
    proxy_set_header Front-End-Https "";
    proxy_set_header X-Scheme "";
    proxy_set_header X-Host "";
    proxy_set_header Forwarded-For "";
    proxy_set_header Proxy-Client-IP "";
    proxy_set_header WL-Proxy-Client-IP "";
    proxy_set_header Fastly-Client-IP "";
    proxy_set_header Fly-Client-IP "";
    proxy_set_header CF-Pseudo-IPv4 "";
    proxy_set_header X-Appengine-User-IP "";
    proxy_set_header X-Azure-ClientIP "";
    proxy_set_header X-Original-Proto "";
    proxy_set_header X-Original-Remote-Addr "";
    proxy_set_header X-Proto "";
    proxy_set_header X-Https "";
    proxy_set_header X-ProxyUser-IP "";
    proxy_set_header X-Remote-IP "";
    proxy_set_header X-Remote-Addr "";
    proxy_set_header X-Remote-User "";
    proxy_set_header Remote-User "";
    proxy_set_header CF-Connecting-IPv6 "";
    proxy_set_header CF-Visitor "";
    proxy_set_header CloudFront-Forwarded-Proto "";
    proxy_set_header CloudFront-Viewer-Address "";
    proxy_set_header X-Envoy-External-Address "";
    proxy_set_header X-Arr-SSL "";
    proxy_set_header X-Sendfile-Type "";
    proxy_set_header X-Accel-Mapping "";
    proxy_next_upstream off;
    proxy_connect_timeout 2s;
    proxy_send_timeout 80s;
    proxy_read_timeout 80s;
    proxy_buffer_size 36k;
    proxy_buffers 17 4k;
    proxy_busy_buffers_size 36k;
    proxy_hide_header X-Berth-Replicas;
    proxy_hide_header X-Berth-Tries;
    proxy_hide_header X-Berth-Failure;
    proxy_hide_header X-Request-ID;
    proxy_hide_header X-Powered-By;
    add_header Connection $farewell always;
    add_header X-Request-ID $request_ref always;
    add_header X-Content-Type-Options $nosniff always;
    add_header X-Frame-Options $frame_options always;
    add_header Referrer-Policy $referrer_policy always;
    add_header Strict-Transport-Security $hsts always;
    add_header Retry-After $retry_after always;
    add_header Cache-Control $caching always;
    recursive_error_pages on;
    error_page 418 = $way;
    error_page 400 /./malformed;
    error_page 414 /./uri;
    error_page 494 =431 /./fields;
    error_page 413 @body;
    error_page 429 @limit;
    error_page 500 =503 @spool;
    error_page 502 = $unanswered;
    error_page 504 @late;
    location / {
      if ($server_protocol = "") {
        return 400;
      }
      if ($maintained) {
        return 418;
      }
      if ($to_https) {
        return 308 https://$home$request_uri;
      }
      return 418;
    }
    location ^~ /.well-known/acme-challenge/ {
      root /var/lib/berth-tls/webroot;
      try_files $uri @challenge;
    }
    location @challenge {
      return 418;
    }
    location @spooled {
      client_max_body_size 10m;
      proxy_pass http://unix:/run/berth-switch/http.sock;
    }
    location @streamed {
      proxy_request_buffering off;
      proxy_pass http://unix:/run/berth-switch/http.sock;
    }
    location @websocket {
      client_max_body_size 10m;
      proxy_read_timeout 65s;
      proxy_pass http://unix:/run/berth-switch/http.sock;
    }
    location @maintenance {
      error_page 503 /./page;
      return 503;
    }
    location = /./page {
      internal;
      set $refusal maintenance;
      root /var/lib/berth/maintenance;
      charset utf-8;
      try_files /page.html @unreached;
    }
    location = /./malformed {
      internal;
      set $refusal malformed;
      return 400 "This is no request that HTTP allows. Nothing was passed on to the app.\n";
    }
    location = /./uri {
      internal;
      set $refusal uri;
      return 414 "The address is longer than 8192 bytes, a quarter of edge.headerKib. Nothing was passed on to the app.\n";
    }
    location = /./fields {
      internal;
      set $refusal fields;
      return 431 "The request's headers are larger than edge.headerKib allows: 8192 bytes for one, four times as much for all. Nothing was passed on to the app.\n";
    }
    location @body {
      set $refusal body;
      return 413 "The body is larger than edge.bodyMib allows: 10 MiB, and 10 MiB without a Content-Length. The app was not given it.\n";
    }
    location @limit {
      set $refusal limit;
      return 429 "Too many requests from one address at once. Nothing was passed on to the app.\n";
    }
    location @spool {
      set $refusal spool;
      return 503 "Too many large bodies are on their way. Nothing was passed on to the app; please try again in a few seconds.\n";
    }
    location @unreached {
      set $refusal unreached;
      return 503 "Nothing is serving here yet. Please try again in a few seconds.\n";
    }
    location @cut {
      set $refusal cut;
      set $own_tries $upstream_status;
      return 502 "The connection to the app was cut before it answered, as when a new release waits no longer for an old one (edge.drainSeconds), or the app's answer is malformed. What the request asked for may have been done.\n";
    }
    location @unreadable {
      set $refusal unreadable;
      return 502 "The app's answer can't be passed on: it is an informational one, such as 103 Early Hints, or a switch of protocols that nobody asked for. What the request asked for may have been done.\n";
    }
    location @late {
      set $refusal late;
      set $own_tries $upstream_status;
      return 504 "The app did not answer in time (edge.answerSeconds). What the request asked for may have been done.\n";
    }
  }
}
`);

/**
 * What the switch guarantees: it keeps no connection alive, counts nothing that an app claims, and tries once unless
 * retries.pm decides otherwise.
 */
export const switchBehindEdge = readNginxLines(String.raw`
include /etc/nginx/modules-enabled/*-http-perl.conf;
include /usr/share/nginx/modules/*-http-perl.conf;
include /var/lib/berth/drain.conf;
daemon off;
events {
  worker_connections 16384;
}
http {
  access_log off;
  server_tokens off;
  underscores_in_headers on;
  client_max_body_size 0;
  client_body_temp_path /var/spool/berth-switch/body;
  proxy_temp_path /var/spool/berth-switch/proxy;
  fastcgi_temp_path /var/spool/berth-switch/fastcgi;
  uwsgi_temp_path /var/spool/berth-switch/uwsgi;
  scgi_temp_path /var/spool/berth-switch/scgi;
  map $http_upgrade $upgrade {
    "~*^websocket$" websocket;
  }
  map $upgrade $connection_header {
    default close;
    websocket upgrade;
  }
  map $upstream_status $again {
    volatile;
    "~^\d+$" $again1;
    "~^\d+( : \d+){1}$" $again2;
    "~^\d+( : \d+){2}$" $again3;
    "~^\d+( : \d+){3}$" $again4;
    "~^\d+( : \d+){4}$" $again5;
    "~^\d+( : \d+){5}$" $again6;
    "~^\d+( : \d+){6}$" $again7;
    default $again8;
  }
  map $upstream_status:$upgrade $spoiling {
    volatile;
    "~(^| )(-|\d{1,2}|1\d\d):$" unreadable;
    "~(^| )(-|\d{1,2}|1(0[02-9]|[1-9]\d)):websocket$" unreadable;
  }
  map $spoiling $told_failure {
    volatile;
    default $spoiling;
    "" $failure;
  }
  map $request_method $safe_retry {
    "~^(GET|HEAD|OPTIONS)$" 5;
  }
  include /var/lib/berth/upstreams.conf;
  server {
    listen unix:/run/berth-switch/http.sock backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $upgrade;
    proxy_set_header Connection $connection_header;
    proxy_set_header HTTP2-Settings "";
    proxy_buffering off;
    proxy_pass_header X-Accel-Buffering;
    proxy_connect_timeout 1s;
    proxy_hide_header X-Berth-Replicas;
    proxy_hide_header X-Berth-Tries;
    proxy_hide_header X-Berth-Failure;
    set $failure "";
    set $retry_after "";
    set $caching "";
    add_header X-Berth-Replicas $upstream_addr always;
    add_header X-Berth-Tries $upstream_status always;
    add_header X-Berth-Failure $told_failure always;
    add_header Transfer-Encoding $spoiling always;
    add_header Retry-After $retry_after always;
    add_header Cache-Control $caching always;
    proxy_next_upstream off;
    recursive_error_pages on;
    error_page 502 504 = $again;
    location / {
      perl retries::first;
    }
    location @once {
      proxy_pass http://fresh;
    }
    location @patient {
      proxy_pass http://fresh;
      proxy_intercept_errors on;
      error_page 500 502 503 504 = $again;
    }
    location @once_websocket {
      include /var/lib/berth/websockets.conf;
      proxy_pass http://fresh;
    }
    location @patient_websocket {
      include /var/lib/berth/websockets.conf;
      proxy_pass http://fresh;
      proxy_intercept_errors on;
      error_page 500 502 503 504 = $again;
    }
    location @streamed {
      proxy_request_buffering off;
      proxy_next_upstream error;
      proxy_next_upstream_tries 8;
      proxy_pass http://fresh;
    }
    location @unreached {
      set $failure unreached;
      set $retry_after 5;
      set $caching no-store;
      return 503 "Nothing is serving here yet. Please try again in a few seconds.\n";
    }
    location @lost {
      set $failure lost;
      set $retry_after $safe_retry;
      set $caching no-store;
      return 502 "The app closed the connection without an answer. What the request asked for may have been done.\n";
    }
    location @unreadable {
      set $failure unreadable;
      set $caching no-store;
      return 502 "The app's answer can't be passed on: its headers are malformed, break off, or are larger than edge.headerKib allows. What the request asked for may have been done.\n";
    }
    location @late {
      set $failure late;
      set $retry_after $safe_retry;
      set $caching no-store;
      return 504 "The app did not answer in time (edge.answerSeconds). What the request asked for may have been done.\n";
    }
    location @failed {
      set $failure failed;
      set $retry_after $safe_retry;
      set $caching no-store;
      return 500 "The app answered each try with an error.\n";
    }
  }
}
`);
