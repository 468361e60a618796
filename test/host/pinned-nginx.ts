import { readNginxLines } from "./nginx-lines.ts";

/** What the edge guarantees to its users and the host: limits, times, and what it trusts of a client's request. */
export const edge = readNginxLines(String.raw`
worker_rlimit_nofile 20000;
worker_shutdown_timeout 30s;
events {
  worker_connections 16384;
}
http {
  server_tokens off;
  access_log /var/log/berth/edge.log edge;
  limit_conn_zone $binary_remote_addr zone=connections:2m;
  limit_req_zone $binary_remote_addr zone=requests:2m rate=1000r/s;
  limit_conn connections 256;
  limit_req zone=requests burst=2000 nodelay;
  limit_conn_zone $spooler zone=bodies:1m;
  limit_conn bodies 10;
  limit_conn_status 429;
  limit_req_status 429;
  client_max_body_size 10m;
  client_header_timeout 5s;
  client_body_timeout 30s;
  send_timeout 30s;
  keepalive_timeout 65s;
  reset_timedout_connection on;
  client_body_temp_path /var/spool/berth/body;
  proxy_temp_path /var/spool/berth/proxy;
  proxy_max_temp_file_size 1m;
  map $request_uri $path {
    "~^(?<start>[!->@-~]{0,512})" $start;
  }
  map $content_length$http_transfer_encoding $spooler {
    "~^\d{1,4}$" "";
    default $binary_remote_addr;
    "" "";
  }
  map $http_upgrade $upgrade {
    "~*^websocket$" websocket;
  }
  map $upgrade $connection_header {
    websocket upgrade;
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
  server {
    listen 80 default_server backlog=4096;
    location / {
      proxy_pass http://unix:/run/berth-switch/http.sock;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $upgrade;
      proxy_set_header Connection $connection_header;
      proxy_set_header HTTP2-Settings "";
      proxy_set_header X-Request-ID $request_ref;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
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
      proxy_set_header X-Sendfile-Type "";
      proxy_set_header X-Accel-Mapping "";
      proxy_next_upstream off;
      proxy_connect_timeout 2s;
      proxy_send_timeout 35s;
      proxy_read_timeout 65s;
      proxy_hide_header X-Berth-Replicas;
      proxy_hide_header X-Berth-Tries;
      proxy_hide_header X-Request-ID;
      proxy_hide_header X-Powered-By;
      add_header Connection $farewell always;
      add_header X-Request-ID $request_ref always;
      add_header X-Content-Type-Options $nosniff always;
      add_header X-Frame-Options $frame_options always;
      add_header Referrer-Policy $referrer_policy always;
      error_page 502 =503 @unavailable;
      proxy_intercept_errors on;
      error_page 599 =503 @unavailable;
    }
    location @unavailable {
      internal;
      add_header Retry-After 5 always;
      add_header Connection $farewell always;
      add_header Cache-Control no-store always;
      add_header X-Request-ID $request_ref always;
    }
  }
}
`);

/**
 * What the switch guarantees: it keeps no connection alive, counts nothing that an app claims, and tries once unless
 * retries.pm decides otherwise.
 */
export const switchBehindEdge = readNginxLines(String.raw`
worker_shutdown_timeout 30s;
daemon off;
events {
  worker_connections 16384;
}
http {
  access_log off;
  server_tokens off;
  client_max_body_size 0;
  client_body_temp_path /var/spool/berth-switch/body;
  proxy_temp_path /var/spool/berth-switch/proxy;
  fastcgi_temp_path /var/spool/berth-switch/fastcgi;
  uwsgi_temp_path /var/spool/berth-switch/uwsgi;
  scgi_temp_path /var/spool/berth-switch/scgi;
  map $http_upgrade $upgrade {
    "~*^websocket$" websocket;
  }
  map $request_method:$content_length $pool {
    default fresh;
    "~^(GET|HEAD|OPTIONS):0?$" kept;
  }
  map $upgrade:$pool $connection_header {
    ~^websocket upgrade;
    ~fresh close;
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
    proxy_send_timeout 30s;
    proxy_read_timeout 60s;
    proxy_hide_header X-Berth-Replicas;
    proxy_hide_header X-Berth-Tries;
    add_header X-Berth-Replicas $upstream_addr always;
    add_header X-Berth-Tries $upstream_status always;
    proxy_next_upstream off;
    recursive_error_pages on;
    error_page 502 504 = $again;
    location / {
      perl retries::first;
    }
    location @once {
      proxy_pass http://$pool;
    }
    location @patient {
      proxy_pass http://$pool;
      proxy_intercept_errors on;
      error_page 500 502 503 504 = $again;
    }
    location @silence {
    }
    location @failed {
      recursive_error_pages off;
    }
    location @late {
      recursive_error_pages off;
    }
  }
}
`);
