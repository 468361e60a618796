require "rails"
require "action_controller/railtie"

class Pages < Rails::Application
  config.eager_load = true
  config.secret_key_base = ENV.fetch("SECRET_KEY_BASE") { SecureRandom.hex(64) }
  config.logger = ActiveSupport::TaggedLogging.new(Logger.new($stdout))
  routes.append { root to: "pages#home" }
end

class PagesController < ActionController::Base
  def home
    render plain: "release one in #{Rails.env}"
  end
end

Pages.initialize!
run Pages
